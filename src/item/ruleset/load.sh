firewall_files='/etc/fleet/firewall /etc/systemd/system/fleet-firewall.service
	/etc/systemd/system/sysinit.target.wants/fleet-firewall.service /etc/systemd/system/nftables.service.d/fleet.conf'

# Keeps what the undo needs.
firewall_keep() {
	umask 077
	mkdir -- "$t/firewall-before"
	for file in $firewall_files; do
		if [ -e "$file" ] || [ -L "$file" ]; then cp -a --parents -t "$t/firewall-before" -- "$file"; fi
	done
	cat /proc/sys/kernel/random/boot_id >"$t/boot-id"
	if nft list table inet fleet >"$t/rules-before" 2>/dev/null; then
		# nft does not say that a disk is full.
		if [ "$(tail -n 1 -- "$t/rules-before")" != '}' ]; then
			why 'the rules in force cannot be kept for the way back: is the disk full?'
			return 1
		fi
	elif nft list table inet fleet >/dev/null 2>&1; then
		why 'the rules in force cannot be kept for the way back: is the disk full?'
		return 1
	else
		rm -f -- "$t/rules-before"
	fi
	sync -f "$t"
	: >"$t/firewall-kept"
	sync -f "$t"
}

# firewall_put FILE CONTENT: writes beside a file what is to be moved there, and says whether it is anything new. It is called
# in conditions, where nothing that fails ends a script by itself.
firewall_put() {
	if [ -e "$1" ] && printf %s "$2" | cmp -s - "$1"; then return 1; fi
	put="$put $1"
	{ [ -d "${1%/*}" ] || mkdir -p -m 755 -- "${1%/*}"; } && printf %s "$2" >"$1.fleet-undo" || unwritten=$1
}

# firewall_reread: has systemd read the units anew if it has them in memory; else it reads them when it needs them.
firewall_reread() {
	if [ -n "$(systemctl list-units --all --plain --no-legend -- fleet-firewall.service nftables.service 2>&1)" ]; then
		systemctl daemon-reload
	fi
}

# firewall_load SCRIPT UNIT DROP_IN UNDO: puts the rules that SCRIPT loads on trial; with a new connection's word they are
# kept for the next boot.
firewall_load() {
	step 'testing the firewall rules'
	if ! command -v nft >/dev/null; then
		why 'there is no nft: the package nftables is not installed'
		return 1
	fi
	umask 077
	printf %s "$1" >"$t/firewall"
	if ! log=$(unshare -n sh -c 'sh "$1" && nft -s list table inet fleet >"$2"' sh "$t/firewall" "$t/rules-tried" 2>&1); then
		why 'nftables does not take the new rules'
		printf '%s\n' "$log" >&2
		return 1
	fi
	firewall_keep
	# Independent of this connection and of all that it runs.
	printf 't=%s\n%s\nln -s reverted "$t/verdict" 2>/dev/null || exit 0\nfirewall_restore\n' "$t" "$4" >"$t/revert.sh"
	if ! systemd-run --quiet --collect --unit="fleet-revert-${t##*/}" --on-active="${confirm_timeout}s" \
		--timer-property=AccuracySec=100ms /bin/sh -c '[ ! -e "$1" ] || exec sh "$1"' sh "$t/revert.sh" 9>&-; then
		why 'the timer that would bring the old rules back cannot be set'
		return 1
	fi
	step 'loading the firewall rules'
	sh "$t/firewall"
	# The kernel keeps track of connections only now. What goes on meanwhile must not break: least of all the way to servers
	# behind this one, which would stand still until this one has something to say.
	if [ ! -e "$t/rules-before" ]; then nft add element inet fleet earlier '{ ipv4 timeout 2m, ipv6 timeout 2m }' || :; fi
	printf '@confirm %s\n' "${t##*/}"
	waited=0
	until [ -L "$t/verdict" ]; do
		sleep 0.05
		waited=$((waited + 1))
		if [ "$waited" -gt "$((confirm_timeout * 20 + 60))" ]; then ln -s reverted "$t/verdict" 2>/dev/null || :; fi
	done
	if [ "$(readlink "$t/verdict")" != confirmed ]; then
		printf '@unconfirmed\n'
		why "no new connection came through the new rules within $confirm_timeout seconds"
		return 1
	fi
	step 'keeping the firewall rules'
	units=/etc/systemd/system
	put='' changed='' unwritten=''
	firewall_put /etc/fleet/firewall "$1" || :
	umask 022
	if firewall_put "$units/fleet-firewall.service" "$2"; then changed=1; fi
	if firewall_put "$units/nftables.service.d/fleet.conf" "$3"; then changed=1; fi
	if [ -n "$unwritten" ]; then
		why "$unwritten cannot be written, by which the rules would be loaded at the next boot"
		return 1
	fi
	# Whole on the disk before it is there; none of these names has a blank.
	for file in $put; do printf '%s.fleet-undo\n' "$file"; done | xargs -r sync --
	for file in $put; do mv -f -T -- "$file.fleet-undo" "$file"; done
	link=$units/sysinit.target.wants/fleet-firewall.service
	if [ ! -e "$link" ]; then
		[ -d "${link%/*}" ] || mkdir -p -m 755 -- "${link%/*}"
		ln -s -f -T -- ../fleet-firewall.service "$link"
	fi
	# What nftables makes of the script is known from the test.
	# shellcheck disable=SC2046 # two sums and the names of what they are of
	set -- $(canonical <"$t/rules-tried" | sha256sum - /etc/fleet/firewall)
	[ $# -ne 4 ] || printf '%s %s\n' "$3" "$1" >"$run/firewall-as-kept"
	flush /etc/fleet "$units"
	# It has nothing to do any more, whenever it goes: nobody waits for that.
	systemctl stop -- "fleet-revert-${t##*/}.timer" </dev/null >/dev/null 2>&1 4>&- 9>&- &
	if [ -n "$changed" ]; then firewall_reread; fi
}

# Takes the rules away, now and for the next boot.
firewall_unload() {
	step 'taking the firewall rules away'
	firewall_keep
	if nft list table inet fleet >/dev/null 2>&1; then nft delete table inet fleet; fi
	for file in $firewall_files; do rm -f -- "$file"; done
	rmdir --ignore-fail-on-non-empty -- /etc/fleet /etc/systemd/system/nftables.service.d 2>/dev/null || :
	firewall_reread
}
