# Takes files in and hands them out, whoever owns the directories they lie in: POSIX sh, GNU coreutils. Needs paths.sh.
#
# New content waits in `.fleet-copy` beside its target, which only the user can look into who fleet works as there.

umask 077
bad=' '

# in_stage COMMAND...: runs it in `.fleet-copy` of the working directory.
in_stage() {
	top=${PWD%/}
	mkdir -m 0700 -- .fleet-copy 2>/dev/null
	if cd -P -- ./.fleet-copy 2>/dev/null && [ "$PWD" = "$top/.fleet-copy" ] && [ -O . ] &&
		[ "$(stat -c %a .)" = 700 ]; then
		"$@"
	else
		echo 'a .fleet-copy of somebody else is in the way' >&2
		return 9
	fi
}

# step INDEX DIR COMMAND...: a step of the file with that number, in DIR; after one that failed there are no more.
step() {
	case $bad in *" $1 "*) return 0 ;; esac
	index=$1
	directory=$2
	shift 2
	said=$(within "$directory" "$@" 2>&1) && return 0
	failed $?
}

# failed STATUS: tells what was said of the step of that index.
failed() {
	[ "$1" != 9 ] || [ "$said" ] || said='no such directory, or a link of somebody else on the way'
	bad="$bad$index "
	printf '@failed %s %s\n' "$index" "$(printf %s "$said" | tr '\n' ' ')"
}

# look INDEX NAME SIZE SHA MODE OWNER PART: what there is of a file: `same`, `part` of it, or something `else`.
look() {
	[ ! -d "./$2" ] || [ -h "./$2" ] || {
		printf '@dir %s\n' "$1"
		return 0
	}
	if [ -f "./$2" ] && [ ! -h "./$2" ]; then
		# shellcheck disable=SC2046
		set -- "$@" $(stat -c '%s %a %U:%G %U' -- "./$2")
		if [ "$8" = "$3" ] && { [ "$9" = "$5" ] || [ "0$9" = "$5" ]; } &&
			{ [ -z "$6" ] || [ "${10}" = "$6" ] || [ "${11}" = "$6" ]; }; then
			sum=$(sha256sum <"./$2")
			[ "${sum%% *}" != "$4" ] || {
				printf '@same %s\n' "$1"
				return 0
			}
		fi
	fi
	part=0
	if [ -d ./.fleet-copy ] && [ -O ./.fleet-copy ] && [ ! -h ./.fleet-copy ]; then
		# What nobody came back for in a week: the file was another one then.
		find -P ./.fleet-copy -mindepth 1 -maxdepth 1 -type f -mtime +7 -exec rm -f -- {} +
		part=$(stat -c %s -- "./.fleet-copy/$7" 2>/dev/null) || part=0
	fi
	printf '@part %s %s\n' "$1" "$part"
}

# take LENGTH: prints so many of the bytes that come after the script. At 4 KiB a second it may take its time.
take() { [ "$1" = 0 ] || timeout "$((fleet_hold + $1 / 4096))" head -c "$1" <&5; }

# pour INDEX LENGTH DIR PART OFFSET: a step that adds the next bytes to a part; whatever happens, it takes all of them.
pour() {
	case $bad in *" $1 "*)
		take "$2" >/dev/null
		return 0
		;;
	esac
	index=$1
	length=$2
	directory=$3
	said=$(take "$length" | {
		within "$directory" in_stage put "$4" "$5" "$length" 2>&1
		status=$?
		cat >/dev/null
		exit "$status"
	}) && return 0
	failed $?
}

# put PART OFFSET LENGTH: adds so many bytes to a part.
put() {
	if [ "$2" = 0 ]; then
		cat >"$1"
	elif [ "$(stat -c %s -- "$1" 2>/dev/null)" = "$2" ]; then
		cat >>"$1"
	else
		echo 'somebody else copies the same file' >&2
		return 8
	fi || {
		# What has no room must not keep the disk full.
		rm -f -- "$1"
		cd .. && rmdir .fleet-copy 2>/dev/null
		return 1
	}
	[ "$(stat -c %s -- "$1")" = "$(($2 + $3))" ] || {
		echo 'not all of it came' >&2
		return 8
	}
}

# finish PART SHA MODE OWNER NAME: puts a whole file under its name. It has one of its own before, or another copy of the
# same could begin it anew between its sum and its place.
finish() {
	[ -f "./$1" ] || {
		echo 'somebody else copies the same file' >&2
		return 8
	}
	mv -f -T -- "$1" "$1.$$" || return
	sum=$(sha256sum <"$1.$$")
	[ "${sum%% *}" = "$2" ] || {
		rm -f -- "$1.$$"
		echo 'it is not what was sent' >&2
		return 7
	}
	place "$1.$$" "$3" "$4" "$5" || {
		why=$?
		# The next attempt has it whole.
		mv -f -T -- "$1.$$" "$1"
		return "$why"
	}
	cd .. && rmdir .fleet-copy 2>/dev/null
	return 0
}

# place FILE MODE OWNER NAME
place() {
	if [ "$3" ]; then
		chown -- "$3" "$1" || return
	elif [ -f "../$4" ] && [ ! -h "../$4" ]; then
		chown --reference="../$4" -- "$1" || return
	fi
	chmod -- "$2" "$1" && sync -- "$1" && mv -f -T -- "$1" "../$4"
}

# make NAME MODE OWNER: a directory.
make() {
	[ ! -d "./$1" ] || return 0
	mkdir -- "./$1" && path=${PWD%/}/$1 && { [ -z "$3" ] || within "$path" chown -- "$3" .; } &&
		within "$path" chmod -- "$2" .
}

# kind NAME: what a name is: `file MODE SIZE SHA`, `dir` or `none`. A link counts where only root could have put it.
kind() {
	if [ -h "./$1" ] && [ ! -O . ]; then
		echo '@kind link'
	elif [ -d "./$1" ]; then
		echo '@kind dir'
	elif [ -f "./$1" ]; then
		sum=$(sha256sum <"./$1") || return
		printf '@kind file %s %s\n' "$(stat -L -c '%a %s' -- "./$1")" "${sum%% *}"
	elif exists "./$1"; then
		echo '@kind other'
	else
		echo '@kind none'
	fi
}

# list: all below the working directory: `TYPE MODE SIZE PATH`, each with a NUL after it; then the sums of the files. Without
# what copies that broke off have left, from here and from there.
list() {
	set -- '(' -type d -name .fleet-copy -o -type f -name ".fleet-copy-$(printf '[0-9a-f]%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)" ')' -prune -o
	find -P . -mindepth 1 "$@" -printf '%y %m %s %P\0'
	printf '\0'
	find -P . "$@" -type f -print0 | xargs -0 -r sha256sum -z --
}

# send NAME OFFSET SIZE: the rest of a file, SIZE bytes; and a mark, so that one that has become shorter is noticed.
send() {
	tail -c "+$(($2 + 1))" -- "./$1" 2>/dev/null | head -c "$3"
	echo '@sent'
}
