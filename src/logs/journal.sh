# Reads the journal of systemd as JSON, and follows it: POSIX sh.
#
# Set before: pattern (or nothing), count (lines, or nothing), since (seconds, or nothing), cursor (or nothing). The
# arguments of both functions select what is read: `-u UNIT` ...

journal() {
	journalctl --no-pager -q --all -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER,_PID "$@"
}

# backwards: the last line first. In time that grows with the lines alone, and without a file: a disk may be full.
backwards() { awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }'; }

# absent UNIT...: says so when there is none of these units, and nothing that one of them wrote; a pattern may mean any.
absent() {
	for unit in "$@"; do
		case $unit in *[*?[]*) return 0 ;; esac
		[ "$(systemctl show -p LoadState --value -- "$unit" 2>/dev/null)" = not-found ] || return 0
		[ -z "$(journalctl --no-pager -q -n 1 -o cat -u "$unit" 2>/dev/null)" ] || return 0
	done
	printf '@absent %s\n' "$1"
}

# What there is: `@cursor CURSOR` first, then the entries, the oldest first.
journal_past() {
	set -- ${pattern:+"--grep=$pattern"} ${pattern:+--case-sensitive=true} "$@"
	# A pattern that is none is found out before it can get lost in a pipe. What a power cut has left of a file of the
	# journal is told, too, and keeps nobody from the others.
	if [ "$pattern" ]; then
		why=$(journalctl --no-pager -q -n 0 "$@" 2>&1 >/dev/null | grep -v 'ignoring file\.$')
		[ -z "$why" ] || {
			printf '%s\n' "$why" >&2
			return 2
		}
	fi
	journalctl --no-pager -q -n 1 -o cat --show-cursor | tail -n 1 | sed -n 's/^-- cursor: /@cursor /p'
	if [ "$count" ] && [ "$pattern$since" ]; then
		# Counted from the end are those that match, or that are new enough, only when it is read from there.
		journal -r -n "$count" ${since:+"--since=@$since"} "$@" | backwards
	else
		# Its status also tells that nothing was found.
		journal ${count:+-n} ${count:+"$count"} ${since:+"--since=@$since"} "$@" || [ "$pattern" ]
	fi
}

# What comes, until nobody is there any more.
journal_follow() {
	set -- ${pattern:+"--grep=$pattern"} ${pattern:+--case-sensitive=true} "$@"
	if [ "$cursor" ]; then
		set -- "--after-cursor=$cursor" "$@"
	else
		set -- "--since=@$since" "$@"
	fi
	journal -f --no-tail "$@" &
	reader=$!
	while sleep 2 && kill -0 "$reader" 2>/dev/null; do
		echo >&2 || break
	done
	kill "$reader" 2>/dev/null
	wait "$reader"
}
