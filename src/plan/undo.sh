# What undo scripts need: POSIX sh. `$t` is the transaction's directory; `$bad` says whether anything went wrong; `$late` is
# set where the transaction died and is undone by a later run.
why() { printf '%s\n' "$1" >&2; }

# untouched PATH COPY: whether what is there is still what the copy was made of. What replaces a file has a time of its own.
untouched() {
	[ "$(stat -c '%f %u %g %s %y' -- "$1" 2>/dev/null)" = "$(stat -c '%f %u %g %s %y' -- "$2")" ] || return 1
	if [ -L "$2" ]; then
		[ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]
	else
		cmp -s -- "$1" "$2"
	fi
}

# restore PATH: puts back the copy kept of a file, when anything was replaced at all: on a full disk there is no room
# for copies. What could not be replaced (it is mounted, or immutable) could not be put back either, and need not be.
restore() {
	[ -e "$t/live" ] || return 0
	if exists "$t/save$1" && ! untouched "$1" "$t/save$1"; then
		if cp -a -T -- "$t/save$1" "$1.fleet-undo" && mv -f -T -- "$1.fleet-undo" "$1"; then return 0; fi
		bad=1
	fi
	# An earlier attempt may have left it.
	rm -f -- "$1.fleet-undo"
}

# ours DIR COMMAND...: what a user of the server made of their directories meanwhile must not keep us from the rest.
ours() { within "$@" || [ $? -eq 9 ] || bad=1; }

# trash_late PATH ...: what somebody has put there since the transaction died goes to the trash, as when it is removed.
trash_late() {
	[ -n "${late-}" ] && [ -e "$t/made" ] || return 0
	task=${t##*/}
	for dir in "$@"; do
		if within "${dir%/*}" rmdir -- "./${dir##*/}" 2>/dev/null || [ ! -d "$dir" ]; then continue; fi
		trash "$dir" "${task%%-*}" || [ $? -eq 9 ] || bad=1
	done
}

# unmake_dirs PATH ...: children first. Until they are known to be ours, only empty ones go, and so it is when somebody may
# have put something there: what may hold something is in the trash by then.
unmake_dirs() {
	for dir in "$@"; do
		if [ -e "$t/made" ] && [ -z "${late-}" ]; then
			ours "${dir%/*}" rm -rf --one-file-system -- "./${dir##*/}"
		else
			[ ! -d "$dir" ] || within "${dir%/*}" rmdir -- "./${dir##*/}" 2>/dev/null || :
		fi
	done
}

# unmake_user NAME: nobody else gets the number, where files of theirs may be in the trash by now.
unmake_user() {
	if ! line=$(getent passwd "$1"); then
		# It failed between the two: nobody is in the group.
		case $(getent group "$1") in *:) groupdel -- "$1" 2>/dev/null || : ;; esac
		return 0
	fi
	if [ -n "${late-}" ]; then
		make_trash
		printf '%s\n' "$line" >>"$state/trash/users"
	fi
	userdel -f "$1" 2>/dev/null || :
}

# reset_dir OWNER:GROUP MODE PATH: what a directory had before.
reset_dir() { [ ! -d "$3" ] || set_dir "$@" || :; }

# back PATH TASK: moves back what went to the trash.
back() {
	kept=.fleet-trash/$2/${1##*/}
	if exists "${1%/*}/$kept" && ! exists "$1"; then ours "${1%/*}" mv -T -- "./$kept" "./${1##*/}"; fi
}

# drop_copy PATH TASK: what was to be replaced is there again, and no copy of it needed.
drop_copy() {
	grep -q -x -F -- "$1" "$t/copies" 2>/dev/null || return 0
	ours "${1%/*}" rm -f -- "./.fleet-trash/$2/${1##*/}"
	within "${1%/*}" rmdir -- "./.fleet-trash/$2" 2>/dev/null || :
}

# into_trash PATH TASK: moves to the trash again what was put back from it.
into_trash() {
	kept=.fleet-trash/$2/${1##*/}
	if exists "$1" && ! exists "${1%/*}/$kept"; then ours "${1%/*}" mv -T -- "./${1##*/}" "./$kept"; fi
}

# restore_user NAME: makes a removed user again, with the same number.
restore_user() {
	[ -s "$t/passwd-$1" ] || return 0
	if getent passwd "$1" >/dev/null; then return 0; fi
	IFS=: read -r name _ uid gid comment home shell <"$t/passwd-$1"
	getent group "$gid" >/dev/null || groupadd -g "$gid" -- "$name" || bad=1
	useradd -M -N -u "$uid" -g "$gid" -c "$comment" -d "$home" -s "$shell" -- "$name" || bad=1
}

# again UNIT [TEST...]: makes a running service read its configuration once more, if it may have read the new one, and
# starts one that the new one has killed.
again() {
	[ -e "$t/live" ] || return 0
	unit=$1
	shift
	# What something else broke would not load, or would even end the service, and no undo of ours can help it.
	if [ $# -gt 0 ] && ! timeout 60 "$@" </dev/null >/dev/null 2>&1; then return 0; fi
	[ ! -e "$t/poolless-$unit" ] || systemctl enable --quiet -- "$unit.service" || bad=1
	# Who asks for a page after the undo gets it from the old configuration.
	if [ "$unit" = nginx ] && nginx_master && reload_nginx; then return 0; fi
	if [ -e "$t/ran-$unit" ]; then verb=reload-or-restart; else verb=try-reload-or-restart; fi
	case $unit in postgresql@*) verb=restart ;; esac
	timeout 60 systemctl "$verb" -- "$unit.service" || bad=1
}
