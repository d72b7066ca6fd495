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
