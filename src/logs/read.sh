# Reads log files from their ends, merged by time, and follows them: POSIX sh, coreutils, grep and awk.
#
# Printed lines: `:TIME NUMBER TEXT` is a line of the log with that number, `@log NUMBER NAME PATH` names it,
# `@at NUMBER INODE OFFSET` says how far it has been read, `@live` that what follows is new.
#
# Set before: merge and part (the programs merge.awk and part.sh), since (seconds, or nothing), count (lines, or nothing), pattern and how
# (what grep looks for, or nothing), follow (1 or nothing).

logs=0

# log NAME PATH [INODE OFFSET]: a log, and how far it was read before.
log() {
	logs=$((logs + 1))
	eval "path_$logs=\$2 inode_$logs=\${3-} offset_$logs=\${4-0}"
	printf '@log %s %s %s\n' "$logs" "$1" "$2"
}

# look: what the logs are now: their inodes and sizes in now_N, as `INODE SIZE`; empty for what is no regular file.
look() {
	set --
	i=0
	while [ "$i" -lt "$logs" ]; do
		i=$((i + 1))
		eval "now_$i= path=\$path_$i"
		set -- "$@" "$path"
	done
	[ "$logs" -gt 0 ] || return 0
	# Not through links: whoever owns the directory may have put one there.
	seen=$(stat -c '%f %i %s %n' -- "$@" 2>/dev/null)
	while read -r mode inode size path; do
		case $mode in 8*) ;; *) continue ;; esac
		i=0
		while [ "$i" -lt "$logs" ]; do
			i=$((i + 1))
			eval "own=\$path_$i"
			[ "$own" != "$path" ] || eval "now_$i='$inode $size'"
		done
	done <<-END
		$seen
	END
}

# siblings PATH TEST...: the rotated files of a log, oldest first; only names that a rotation gives.
siblings() {
	of=$1
	shift
	find -P "${of%/*}" -maxdepth 1 -type f -name "${of##*/}[.-]*" ! -name '*[!A-Za-z0-9._-]*' "$@" \
		-printf '%T@ %p\n' 2>/dev/null | sort -n | cut -d ' ' -f 2-
}

# whole: takes an unfinished last line out of the part, to be read when it is finished.
whole() {
	[ "$to" -gt "$from" ] || return 0
	last=$(tail -c "+$to" -- "$path" 2>/dev/null | head -c 1)
	[ "$last" ] || return 0
	rest=$(tail -c "+$((from + 1))" -- "$path" 2>/dev/null | head -c "$((to - from))" | tail -n 1 | wc -c)
	# One without an end is not waited for.
	[ "$rest" -gt 65536 ] || to=$((to - rest))
}

# choose: the part of each log that is to be read, from what it was and is now; status 1 when there is none.
choose() {
	any=1
	i=0
	while [ "$i" -lt "$logs" ]; do
		i=$((i + 1))
		eval "path=\$path_$i inode=\$inode_$i from=\$offset_$i now=\$now_$i"
		older='' skip='' to=$from
		if [ "$now" ]; then
			to=${now#* }
			if [ -z "$inode" ]; then
				from=0
				if [ "$backlog" ] && [ "$since" ]; then
					older=$(siblings "$path" -newermt "@$since")
				elif [ "$backlog" ]; then
					older=$(siblings "$path" -name '*.1')
				fi
			elif [ "$inode" != "${now% *}" ]; then
				older=$(siblings "$path" -inum "$inode")
				skip=$from from=0
			elif [ "$to" -lt "$from" ]; then
				from=0
			fi
			[ -z "$follow" ] || whole
			inode=${now% *}
		fi
		if [ "$to" -gt "$from" ] || [ "$older" ]; then
			any=0
			parts="$parts $i"
		fi
		eval "older_$i=\$older skip_$i=\$skip from_$i=\$from to_$i=\$to inode_$i=\$inode offset_$i=\$to"
		eval "export path_$i inode_$i older_$i skip_$i from_$i to_$i"
	done
	return "$any"
}

# emit: prints the chosen parts, and how far that is.
emit() {
	zone=$(date +%z)
	now=$(date +%s)
	[ -z "$backlog" ] || now=0
	awk -v zone="$zone" -v now="$now" -v since="$since" -v parts="$parts" "$merge" | if [ "$count" ]; then
		tail -n "$count"
	else
		cat
	fi
	for i in $parts; do
		eval "printf '@at %s %s %s\n' $i \"\$inode_$i\" \"\$offset_$i\"" || return 1
	done
}

# read_logs [resume]: all of it.
read_logs() {
	export part count pattern how
	if [ "$pattern" ]; then
		: | grep "$how" -e "$pattern"
		[ $? -le 1 ] || return 2
	fi
	backlog=1
	[ "${1-}" != resume ] || backlog=''
	parts=''
	look
	! choose || emit
	[ "$follow" ] || return 0
	# What was not there has been read to its end, too.
	i=0
	while [ "$i" -lt "$logs" ]; do
		i=$((i + 1))
		eval "printf '@at %s %s %s\n' $i \"\${inode_$i:-0}\" \"\$offset_$i\""
	done
	echo '@live'
	backlog='' count='' since=''
	beat=0
	while sleep 0.7; do
		parts=''
		look
		if choose; then
			emit || return 0
		fi
		# Nobody may be there any more; what is written to them tells.
		beat=$(((beat + 1) % 3))
		[ "$beat" != 0 ] || echo >&2 || return 0
	done
}
