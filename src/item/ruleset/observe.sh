# steady: what nftables writes down, without what changes by itself: what is left of the elements' time, the addresses
# whose rate is watched.
steady() {
	sed -e '/flags .*dynamic/,/^\t}/{/elements = /{:more;/}/!{N;b more;};d}}' \
		-e 's/\([^\t]\) timeout [0-9dhms]*/\1 timed/g' -e 's/ expires [0-9dhms]*//g'
}

# canonical: the same as one line, to compare.
canonical() { steady | tr -s ' \t\n' ' '; }

# as_kept SCRIPT: whether the rules in force are those that SCRIPT loads. The same nft and the same kernel write both down,
# the ones of the script in a network of their own.
as_kept() {
	in_force=$(nft -s list table inet fleet 2>/dev/null) || in_force=
	in_script=$(unshare -n sh -c 'sh "$1" && nft -s list table inet fleet' sh "$1" 2>/dev/null) || in_script=
	live=$(printf '%s\n' "$in_force" | canonical)
	[ -n "$in_force" ] && [ "$live" = "$(printf '%s\n' "$in_script" | canonical)" ]
}

# listing WORD TEXT: what nftables wrote down, for people to compare, and for the marks of a reviewed plan.
listing() { printf '%s\n' "$2" | steady | sed -e "s/^/$1 /"; }

# firewall_facts SCRIPT UNIT DROP_IN: whether fleet's table is there and its rules are those of SCRIPT, and whether they
# are loaded at the next boot, as a unit and a drop-in with these checksums do it.
firewall_facts() {
	units=/etc/systemd/system as_found=$run/firewall-as-kept
	table=$(nft -s list table inet fleet 2>/dev/null) || table=
	rules='' script='' unit='' drop_in='' known=''
	for word in $(printf '%s\n' "$table" | canonical | sha256sum - "$1" "$units/fleet-firewall.service" \
		"$units/nftables.service.d/fleet.conf" 2>/dev/null); do
		case $word in
		-) rules=$sum ;;
		"$1") script=$sum ;;
		*/fleet-firewall.service) unit=$sum ;;
		*/fleet.conf) drop_in=$sum ;;
		*) sum=$word ;;
		esac
	done
	# What was found to be the same since the server booted need not be loaded to be compared.
	if [ -r "$as_found" ]; then read -r known <"$as_found" || :; fi
	if [ -z "$table" ]; then
		printf 'table no\n'
	elif [ -z "$script" ]; then
		printf 'table yes\nrules edited\n'
	elif [ "$known" = "$script $rules" ]; then
		printf 'table yes\nrules %s\n' "$script"
	# An element may end between the one look and the other.
	elif as_kept "$1" || as_kept "$1"; then
		printf 'table yes\nrules %s\n' "$script"
		# A look that is to change nothing writes nothing.
		if [ -n "${confirm_timeout:-}" ]; then
			rules=$(printf %s "$live" | sha256sum)
			printf '%s %s\n' "$script" "${rules%% *}" >"$as_found"
		fi
	else
		printf 'table yes\nrules edited\n'
		listing in_force "$in_force"
		[ -z "$in_script" ] || listing in_script "$in_script"
	fi
	if [ -z "$script" ]; then
		printf 'boot no\n'
	elif [ "$unit" = "$2" ] && [ "$drop_in" = "$3" ] && [ -e "$units/sysinit.target.wants/fleet-firewall.service" ]; then
		printf 'boot yes\n'
	else
		printf 'boot incomplete\n'
	fi
}
