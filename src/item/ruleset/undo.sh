# firewall_restore: brings the rules back that were in force before, the timer and the undo one after the other: the timer
# may be slow, and the undo does not only do the same but takes away what they are brought back from.
firewall_restore() { firewall_bring_back 7<"$t/firewall-kept"; }

# firewall_bring_back: after a boot those are the rules that it loaded.
firewall_bring_back() {
	flock 7
	# All was done while we waited.
	[ -e "$t/boot-id" ] || return 0
	if [ "$(cat "$t/boot-id")" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then
		if [ -e "$t/rules-before" ]; then
			# What cannot be read makes it no ruleset, rather than none.
			{ printf 'add table inet fleet\ndelete table inet fleet\n' && cat -- "$t/rules-before" || echo unread; } | nft -f -
			return
		fi
	elif [ -e /etc/fleet/firewall ]; then
		sh /etc/fleet/firewall
		return
	fi
	if nft list table inet fleet >/dev/null 2>&1; then nft delete table inet fleet; fi
}

# firewall_undo: the same, with the files for the next boot.
firewall_undo() {
	[ -e "$t/firewall-kept" ] || return 0
	# A confirmation comes too late from here on.
	ln -s undone "$t/verdict" 2>/dev/null || :
	systemctl stop -- "fleet-revert-${t##*/}.timer" 2>/dev/null || :
	changed=
	for file in /etc/fleet/firewall /etc/systemd/system/fleet-firewall.service \
		/etc/systemd/system/sysinit.target.wants/fleet-firewall.service \
		/etc/systemd/system/nftables.service.d/fleet.conf; do
		kept=$t/firewall-before$file
		rm -f -- "$file.fleet-undo"
		if [ -e "$kept" ] || [ -L "$kept" ]; then
			if ! cmp -s "$kept" "$file"; then
				changed=1
				mkdir -p -m 755 -- "${file%/*}"
				cp -a -T -- "$kept" "$file.fleet-undo" && mv -f -T -- "$file.fleet-undo" "$file" || bad=1
			fi
		elif [ -e "$file" ] || [ -L "$file" ]; then
			changed=1
			rm -f -- "$file" || bad=1
			rmdir --ignore-fail-on-non-empty -- "${file%/*}" 2>/dev/null || :
		fi
	done
	[ -z "$changed" ] || systemctl daemon-reload || bad=1
	firewall_restore || bad=1
}
