# What transactions and their undo scripts need to work on paths: POSIX sh.

# exists PATH: also for a link that leads nowhere.
exists() { [ -e "$1" ] || [ -L "$1" ]; }

# within DIR COMMAND...: runs the command in DIR, whose path may run through directories of a user's, who could put a
# link in place of the next part at any moment. What root has put there is trusted; and once it is the working
# directory, it is what it is. Status 9: there is no such directory, or a user's link.
within() (
	path=${1#/}
	shift
	cd /
	while [ "$path" ]; do
		part=${path%%/*}
		case $path in */*) path=${path#*/} ;; *) path= ;; esac
		expected=${PWD%/}/$part
		[ ! -O . ] || expected=
		cd -P -- "./$part" || exit 9
		[ -z "$expected" ] || [ "$PWD" = "$expected" ] || exit 9
	done
	"$@"
)

# set_dir OWNER:GROUP MODE PATH
set_dir() { within "$3" chown -- "$1" . && within "$3" chmod -- "$2" .; }

# trash PATH TASK: moves what is there to the trash beside it, where the task's number says how it came there.
trash() { to_trash "$1" "$2" mv -T; }

# keep_copy PATH TASK: a copy of the file that is there goes to the trash, before it is replaced.
keep_copy() {
	printf '%s\n' "$1" >>"$t/copies"
	to_trash "$1" "$2" cp -a -T
}

# to_trash PATH TASK COMMAND...: brings what is there into the trash with this command.
to_trash() {
	path=$1 number=$2
	shift 2
	within "${path%/*}" into_place "./${path##*/}" "./.fleet-trash/$number" "$@" || return
	make_trash
	grep -q -x -F -- "${path%/*}" "$state/trash/places" || printf '%s\n' "${path%/*}" >>"$state/trash/places"
}

# make_trash: the trash of what is no file: for databases $state/trash/TASK; `places` has the directories that have a
# trash of their own, `users` the users that are gone, whose files may lie in one.
make_trash() {
	[ -d "$state/trash" ] || mkdir -m 700 -- "$state/trash"
	: >>"$state/trash/places"
	: >>"$state/trash/users"
}

# into_place NAME DIR COMMAND...: a task of the same number, of another state database, may have removed the same before:
# that stays too.
into_place() {
	name=$1 dir=$2
	shift 2
	# shellcheck disable=SC2174 # one after the other
	[ ! -L ./.fleet-trash ] && mkdir -p -m 700 -- ./.fleet-trash "$dir" &&
		"$@" --backup=numbered -- "$name" "$dir/${name##*/}"
}
