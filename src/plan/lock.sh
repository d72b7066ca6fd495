# How the lock of a server is looked at and broken: POSIX sh, after the prelude.

# holders: the processes that have the lock which file descriptor 8 is open on.
holders() {
	for process in /proc/[0-9]*; do
		if [ "$process/fd/9" -ef "/proc/$$/fd/8" ]; then printf '%s\n' "${process#/proc/}"; fi
	done
}

# working: prints what is being changed under the lock; false when nothing is. What says in words what it does has a
# transaction too, maybe.
working() {
	if [ -e "$run/busy" ]; then
		cat -- "$run/busy"
		return 0
	fi
	nothing=1
	for t in "$state"/tx/*; do
		if [ -d "$t" ]; then
			printf '%s\n' "${t##*/}"
			nothing=0
		fi
	done
	return "$nothing"
}

# look_at_lock: tells who has the lock, and what they do.
look_at_lock() {
	[ -e "$run/lock" ] || return 0
	exec 8<"$run/lock"
	if ! flock -n -s 8; then
		printf '@held %s\n' "$(date +%s)"
		[ ! -r "$run/owner" ] || sed 's/^/@owner /' "$run/owner"
		[ ! -e "$run/owner" ] || printf '@sign %s\n' "$(stat -c %Y -- "$run/owner")"
		working | sed 's/^/@work /'
		for process in $(holders); do
			name=
			read -r name <"/proc/$process/comm" || :
			printf '@process %s %s\n' "$process" "$name"
		done 2>/dev/null
	fi
	exec 8<&-
}

# break_lock SECONDS OWNER BY: takes the lock away from who has it. The holder finds another file in its place before it
# changes anything, and what it is in the middle of it takes back; what has not ended then is killed after so many
# seconds, and rolled back as after a power cut. In the end the lock is ours, and nobody else changes anything.
break_lock() {
	[ -d "$run" ] || { printf '@free\n'; return 0; }
	# One at a time. The first says by now who has the lock.
	exec 7>>"$run/breaking"
	if ! flock -n 7; then
		step 'waiting for another one that breaks it'
		flock -w "${patience-60}" 7 || { printf '@breaking %s\n' "$(holder)"; return 0; }
	fi
	[ -e "$run/lock" ] || { printf '@free\n'; return 0; }
	exec 8<"$run/lock"
	if flock -n 8; then
		exec 8<&-
		printf '@free\n'
		return 0
	fi
	rm -f -- "$run/lock.new" "$run/lock.old"
	ln -- "$run/lock" "$run/lock.old" || return 1
	exec 9>"$run/lock.new"
	flock -n 9 || return 1
	printf '%s\n' "$3" >"$run/broken"
	# The holder may have taken it back before it is looked for again.
	under_way=
	if working >/dev/null; then under_way=1; fi
	# From here on the holder's next look finds that it is not the holder any more.
	mv -f -- "$run/lock.new" "$run/lock"
	locked=1
	[ ! -e "$run/owner" ] || cp -p -- "$run/owner" "$run/owner.old"
	put_owner "$2"
	result=idle
	if [ "$under_way" ] || working >/dev/null; then
		step 'waiting until what is under way is taken back'
		result=ended
		if ! flock -w "$1" 8; then
			step 'killing what is under way'
			result=killed
			# shellcheck disable=SC2046 # numbers
			kill -KILL $(holders) 2>/dev/null || :
			if ! flock -w "${patience-10}" 8; then
				# It is the holder again, and called so.
				mv -f -- "$run/lock.old" "$run/lock"
				[ ! -e "$run/owner.old" ] || mv -f -- "$run/owner.old" "$run/owner"
				printf '@stuck %s\n' "$(holders | tr '\n' ' ')"
				return 0
			fi
		fi
	fi
	rm -f -- "$run/lock.old" "$run/owner.old" "$run/busy"
	exec 8<&-
	recover
	printf '@broken %s\n' "$result"
}
