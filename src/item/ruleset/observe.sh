# canonical: what nftables writes down, without what changes by itself: what is left of the elements' time, the addresses
# whose rate is watched.
canonical() {
	sed -e '/flags .*dynamic/,/^\t}/{/elements = /{:more;/}/!{N;b more;};d}}' -e 's/\([^\t]\) timeout [0-9dhms]*/\1/g' \
		-e 's/ expires [0-9dhms]*//g' | tr -s ' \t\n' ' '
}

# as_kept SCRIPT: whether the rules in force are those that SCRIPT loads. The same nft and the same kernel write both down,
# the ones of the script in a network of their own.
as_kept() {
	live=$(nft -s list table inet fleet 2>/dev/null | canonical)
	kept=$(unshare -n sh -c 'sh "$1" && nft -s list table inet fleet' sh "$1" 2>/dev/null | canonical)
	[ -n "$live" ] && [ "$live" = "$kept" ]
}

# firewall_facts SCRIPT UNIT DROP_IN: whether fleet's table is there and its rules are those of SCRIPT, and whether they
# are loaded at the next boot.
firewall_facts() {
	units=/etc/systemd/system
	if ! nft list table inet fleet >/dev/null 2>&1; then
		printf 'table no\n'
	# An element may end between the one look and the other.
	elif [ -e "$1" ] && { as_kept "$1" || as_kept "$1"; }; then
		printf 'table yes\nrules %s\n' "$(sha256sum <"$1" | cut -d ' ' -f 1)"
	else
		printf 'table yes\nrules edited\n'
	fi
	if [ ! -e "$1" ]; then
		printf 'boot no\n'
	elif printf %s "$2" | cmp -s - "$units/fleet-firewall.service" &&
		printf %s "$3" | cmp -s - "$units/nftables.service.d/fleet.conf" &&
		[ -e "$units/sysinit.target.wants/fleet-firewall.service" ]; then
		printf 'boot yes\n'
	else
		printf 'boot incomplete\n'
	fi
}
