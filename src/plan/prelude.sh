# The means that every script of fleet has on a server: sent once per conversation, POSIX sh.
# Lines that begin with `@` are for fleet; all else that a script prints is the output of a section.
# In the phases of a transaction, standard error becomes the details of a failure.
state=/var/lib/fleet
run=/run/fleet
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset -v CDPATH ENV http_proxy https_proxy all_proxy
umask 022

step() { printf '@step %s\n' "$1"; }

why() { printf '@why %s\n' "$1"; }

# hint TEXT: what to do about a failure.
hint() { printf '@hint %s\n' "$1"; }

# details TEXT: its last lines, each marked.
details() { [ -z "$1" ] || printf '%s\n' "$1" | tail -n 40 | cut -c 1-500 | sed 's/^/@detail /'; }

# span SECONDS: as people say it.
span() {
	if [ "$1" -lt 120 ]; then
		printf '%ss' "$1"
	elif [ "$1" -lt 7200 ]; then
		printf '%sm' "$(($1 / 60))"
	else
		printf '%sh' "$(($1 / 3600))"
	fi
}

# holder: who has the server's lock, as it says itself, and for how long.
holder() {
	who=
	since=
	[ ! -r "$run/owner" ] || while IFS= read -r line; do
		[ -n "$who" ] || who=$line
		case $line in since\ *) since=${line#since } ;; esac
	done <"$run/owner"
	case $since in
	'' | *[!0-9]*) ;;
	*) who="$who, for $(span "$(($(date +%s) - since))")" ;;
	esac
	printf '%s\n' "${who:-a program that does not say who it is}"
}

# put_owner OWNER: tells those who find the server locked who has it.
put_owner() { printf '%s\nsince %s\n' "$1" "$(date +%s)" >"$run/owner"; }

# held: whether the lock that this conversation took is its own still, and not broken by somebody. True where it has
# taken none.
held() { [ -z "${locked-}" ] || [ "$run/lock" -ef "/proc/$$/fd/9" ]; }

# lost: tells who has broken the lock.
lost() {
	by=
	[ ! -r "$run/broken" ] || IFS= read -r by <"$run/broken" || :
	printf '@lost %s\n' "$by"
}

# unwritable: ends the conversation where no lock can be made.
unwritable() {
	printf '@broken /run cannot be written to\n'
	exit 74
}

# lock SECONDS OWNER [for-long]: takes the server's lock, or ends the conversation saying who has it. A fleet that does
# nothing with it has to give a sign once a minute, or is taken to be gone.
lock() {
	# With `-p`, since another fleet may make it at the same moment.
	# shellcheck disable=SC2174 # /run is there
	[ -d "$run" ] || mkdir -p -m 700 -- "$run" || unwritable
	end=
	while :; do
		# Where `exec` fails the shell ends.
		true 2>/dev/null >>"$run/lock" || unwritable
		exec 9>>"$run/lock"
		if ! flock -n 9; then
			printf '@wait %s\n' "$(holder)"
			now=$(date +%s)
			end=${end:-$((now + $1))}
			if [ "$now" -gt "$end" ] || ! flock -w "$((end - now))" 9; then
				printf '@locked %s\n' "$(holder)"
				exit 75
			fi
		fi
		locked=1
		# Where somebody broke the lock that this waited for, there is another one by now.
		if held; then break; fi
	done
	[ ! -e "$run/busy" ] || rm -f -- "$run/busy"
	put_owner "$2"
	[ -n "${3-}" ] || fleet_hold=60
}

# drop DIR: forgets a transaction. What says that it is to be undone goes first: half of an undo script undoes nothing.
drop() { rm -f -- "$1/ready" && rm -rf -- "$1"; }

# signs TEXT: says it every 20 s while this conversation lasts, so that a long silence is not taken for its end.
signs() {
	while sleep "${pause-20}" >/dev/null 2>&1 && kill -0 "$$" 2>/dev/null; do step "$1" || return 0; done
}

# roll_back ID DIR: runs the undo of a transaction, which may pour a large dump back; sets $log to what it said. It may be
# long after the transaction: with `late` an undo deletes nothing that somebody may have put into what was made.
roll_back() {
	(exec 4>&- 7>&- 9>&- && signs "still rolling back $1") &
	signing=$!
	rolled=0
	log=$(late=1 sh "$2/undo.sh" "$2" 2>&1) || rolled=$?
	{ kill "$signing" && wait "$signing"; } 2>/dev/null || :
	return "$rolled"
}

# Rolls back what a transaction left that died in the middle; the lock is held, so none is running.
recover() {
	for t in "$state"/tx/*; do
		[ -d "$t" ] || continue
		if [ -e "$t/ready" ] && [ "${t%.done}" = "$t" ]; then
			printf '@recovering %s\n' "${t##*/}"
			# How far it came before the power went is not for sure on the disk.
			: >"$t/live"
			if ! roll_back "${t##*/}" "$t"; then
				details "$log"
				printf '@unrecovered %s\n' "${t##*/}"
				exit 74
			fi
		fi
		drop "$t"
	done
}

# Only tells of such a transaction. While somebody holds the lock, what is there is being worked on.
unfinished() {
	if [ -e "$run/lock" ] && ! flock -n -s "$run/lock" true; then return 0; fi
	for t in "$state"/tx/*; do
		if [ -e "$t/ready" ] && [ "${t%.done}" = "$t" ]; then printf '@unfinished %s\n' "${t##*/}"; fi
	done
}

# name_servers FILE: tells whom the server asks for names, by its resolv.conf(5).
name_servers() {
	[ ! -r "$1" ] || while read -r word address _ || [ "$word" ]; do
		if [ "$word" = nameserver ]; then printf '@name-server %s\n' "$address"; fi
	done <"$1"
}

# number USER: sets $id to the number for a new user: that of before, as long as it is free, for files in the trash may
# be theirs; else $next.
number() {
	id=$([ ! -e "$state/trash/users" ] || sed -n "s/^$1:x:\([0-9]*\):.*/\1/p" "$state/trash/users" | tail -n 1)
	if [ -z "$id" ] || getent passwd "$id" >/dev/null || getent group "$id" >/dev/null; then
		id=$next
		next=$((next + 1))
	fi
}

# make_users NAME COMMENT HOME SHELL ...: system users with groups of the same number, from 20000 on. A number whose
# user has left files in the trash goes to nobody else.
make_users() {
	next=20000
	for database in /etc/passwd /etc/group "$state/trash/users"; do
		[ -e "$database" ] || continue
		while IFS=: read -r _ _ id _; do
			if [ "$id" -ge "$next" ] && [ "$id" -lt 60000 ]; then next=$((id + 1)); fi
		done <"$database"
	done
	if command -v systemd-sysusers >/dev/null; then
		lines=
		while [ $# -gt 0 ]; do
			number "$1"
			lines="${lines}u $1 $id \"$2\" $3 $4
"
			shift 4
		done
		# What goes well is not told: the first line that is tells why it failed.
		printf '%s' "$lines" | SYSTEMD_LOG_LEVEL=warning systemd-sysusers - >&2
	else
		while [ $# -gt 0 ]; do
			number "$1"
			groupadd -g "$id" -- "$1"
			useradd -M -N -u "$id" -g "$id" -c "$2" -d "$3" -s "$4" -- "$1"
			shift 4
		done
	fi
}

# own_again USER HOME ...: gives a user that was made again what its home still holds of the one of before.
own_again() {
	while [ $# -gt 0 ]; do
		if [ -d "$2" ]; then
			find "$2" -xdev -nouser -execdir chown -h -- "$1" {} +
			find "$2" -xdev -nogroup -execdir chgrp -h -- "$1" {} +
		fi
		shift 2
	done
}

# remove_user NAME: takes away a user that nothing uses any more; keeps the line to make it again.
remove_user() {
	getent passwd "$1" >"$t/passwd-$1" || return 0
	make_trash
	cat -- "$t/passwd-$1" >>"$state/trash/users"
	# Whoever gets the number next would have to live with what still runs.
	# shellcheck disable=SC2044 # the names are numbers
	for process in $(find /proc -mindepth 1 -maxdepth 1 -user "$1" -name '[1-9]*' -printf '%f ' 2>/dev/null); do
		kill -KILL "$process" 2>/dev/null || :
	done
	userdel -f -- "$1"
}

# absent PATH ...: nothing may have appeared there since the server was read: the undo removes what is made.
absent() {
	for path in "$@"; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			why "$path appeared while this was planned"
			return 1
		fi
	done
}

# make_dir MODE PATH: below a directory that is not root's.
make_dir() { within "${2%/*}" mkdir -m "$1" -- "./${2##*/}"; }

# put_seed FILE PATH: moves a file to where nothing is; what has come there meanwhile stays.
put_seed() { within "${2%/*}" move_if_free "$1" "./${2##*/}"; }

move_if_free() { exists "$2" || mv -n -T -- "$1" "$2"; }

# from_trash PATH TASK: moves back what that task moved to the trash, before anything else is made.
from_trash() {
	step 'putting back what is in the trash'
	if exists "$1"; then
		why "$1 appeared while this was planned"
		return 1
	fi
	within "${1%/*}" mv -T -- "./.fleet-trash/$2/${1##*/}" "./${1##*/}"
}

# ensure_dir OWNER:GROUP MODE PATH: in what came back from the trash, where it may be there.
ensure_dir() {
	[ -d "$3" ] || make_dir "$2" "$3"
	set_dir "$@"
}

# strangers USER GROUP DIR: tells how much of what lies there is not the user's, or is open to neither the group nor all.
strangers() {
	count=$(within "$3" timeout 20 find . -xdev -mindepth 1 \( ! -user "$1" -o ! -group "$2" ! -perm -o=r \) \
		-printf . 2>/dev/null | wc -c) || :
	[ "${count:-0}" -eq 0 ] || printf '@strangers %s %s:%s %s\n' "$count" "$1" "$2" "$3"
}

# kept PATH...: tells which of these are in the trash.
kept() {
	for path in "$@"; do
		if exists "$path"; then printf '@kept %s\n' "$path"; fi
	done
}

# expire DIR...: takes out of the trash in each of these, and out of that of databases, what has lain there for longer
# than $retention seconds.
expire() {
	cutoff=@$(($(date +%s) - retention))
	for dir in "$state/trash" "$@"; do
		[ "$dir" = "$state/trash" ] || dir=$dir/.fleet-trash
		find "$dir" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*' ! -newermt "$cutoff" \
			-exec rm -rf --one-file-system -- {} +
	done
}

# flush PATH...: what was written there is on the disk when this returns. One call serves a whole file system.
flush() {
	# shellcheck disable=SC2030 # no longer than this
	stat -c '%d %n' -- "$@" | {
		systems=' '
		set --
		while read -r device path; do
			case $systems in *" $device "*) continue ;; esac
			systems="$systems$device "
			set -- "$@" "$path"
		done
		sync -f -- "$@"
	}
}

# at_boot UNIT: whether something that is started at boot has a link to it.
at_boot() {
	for link in /etc/systemd/system/*.wants/"$1"; do [ ! -L "$link" ] || return 0; done
	return 1
}

# services UNIT...: how each is and whether it starts at boot, as `systemctl show` has it. That asks for all there is to know
# of each; what runs and has a link to it, as most do, is known for less than half.
services() {
	well=" $(systemctl list-units --all --plain --no-legend -- "$@" 2>/dev/null | while read -r unit load active _; do
		if [ "$load $active" = 'loaded active' ] && at_boot "$unit"; then printf '%s ' "$unit"; fi
	done)"
	for unit in "$@"; do
		shift
		case $well in
		*" $unit "*) printf 'Id=%s\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\n' "$unit" ;;
		*) set -- "$@" "$unit" ;;
		esac
	done
	[ $# -eq 0 ] || systemctl show -p Id,LoadState,ActiveState,UnitFileState -- "$@"
}

# why_apt LOG: says in a sentence why apt failed, from what it wrote; the gravest cause first.
why_apt() {
	if grep -q -i 'no space left on device\|enough free space' "$1"; then
		why 'the packages could not be installed: there is no space left on the disk'
	elif grep -q -i 'read-only file system' "$1"; then
		why 'the packages could not be installed: the file system is read-only'
	elif grep -q 'Could not get lock\|Unable to acquire the dpkg frontend lock\|Unable to lock' "$1"; then
		why 'the packages could not be installed: another package manager is at work on the server'
	elif grep -q 'dpkg was interrupted' "$1"; then
		why 'the packages could not be installed: an earlier installation was interrupted and cannot be ended'
	elif grep -q 'Failed to fetch\|Could not resolve\|Could not connect\|Temporary failure\|not have a Release file' "$1"; then
		why 'the packages could not be installed: the server does not reach its package sources'
	elif grep -q 'Unable to locate package\|no installation candidate' "$1"; then
		why 'the packages could not be installed: the package sources of the server do not have them'
	else
		why 'the packages could not be installed'
	fi
}

# apt VERB ARGUMENT...: apt-get without questions; its progress goes to fleet, its output to $t/apt.
apt() {
	timeout 1800 apt-get -q -y -o APT::Status-Fd=4 -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null >"$t/apt" 2>&1 9>&-
}

# install_packages NAME...: what they need comes along, what they recommend does not; configuration files of the
# admin's stay as they are.
install_packages() {
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l UCF_FORCE_CONFFOLD=1
	if apt install --no-install-recommends "$@"; then return 0; fi
	# The last installation died or ran out of space in the middle.
	if grep -q 'dpkg was interrupted\|fix-broken' "$t/apt"; then
		step 'finishing an installation that was interrupted'
		timeout 1800 dpkg --force-confdef --force-confold --configure -a </dev/null >"$t/apt" 2>&1 9>&- || :
		apt --fix-broken --no-install-recommends install || :
		if apt install --no-install-recommends "$@"; then return 0; fi
	fi
	: >"$t/apt-update"
	# Whoever still has the lock after two minutes will have it in four; else the lists may be missing or old.
	if ! grep -q 'Could not get lock\|Unable to acquire the dpkg frontend lock' "$t/apt"; then
		step 'refreshing the package lists'
		apt update || :
		mv -f -- "$t/apt" "$t/apt-update"
		step 'installing packages'
		if apt install --no-install-recommends "$@"; then return 0; fi
	fi
	cat -- "$t/apt-update" "$t/apt" >"$t/apt-all"
	why_apt "$t/apt-all"
	grep '^[EW]: ' "$t/apt-update" | head -n 5 >&2
	uniq "$t/apt" | tail -n 25 >&2
	return 1
}

# site_in TREE LOG: the site whose file below TREE is the one that LOG, what `nginx -t` said, finds wrong.
site_in() {
	file=$(printf '%s\n' "$2" | sed -n 's/.*\[emerg\].* in \(\/[^ ]*\):[0-9]*$/\1/p' | head -n 1)
	case $file in
	"$1"/conf.d/fleet-*.conf)
		file=${file##*/fleet-}
		printf '%s\n' "${file%.conf}"
		;;
	"$1"/fleet/*/*)
		file=${file#"$1"/fleet/}
		printf '%s\n' "${file%%/*}"
		;;
	esac
}

# copy_tree TREE DIR...: copies TREE to below $t/copy. What is to be changed in these directories of it is changed in the copy
# alone: where a link leads to one of them, a copy takes the link's place, or it would lead to what is live.
copy_tree() {
	tree=$1
	shift
	mkdir -p -m 700 -- "$t/copy$tree"
	cp -a -T -- "$tree/." "$t/copy$tree"
	for dir in "$@"; do
		path=$tree
		rest=${dir#"$tree"}
		while [ "$rest" ]; do
			rest=${rest#/}
			path=$path/${rest%%/*}
			case $rest in */*) rest=/${rest#*/} ;; *) rest= ;; esac
			[ -L "$t/copy$path" ] || continue
			rm -- "$t/copy$path"
			mkdir -m 700 -- "$t/copy$path"
			cp -a -T -- "$path/." "$t/copy$path"
		done
	done
}

# test_config UNIT TREE COMMAND...: runs the command with its copy below $t/copy mounted over TREE, in a mount namespace
# of its own, so that nothing is live before it is known to be sound. What it prints is in $t/dump; with $dump as its last
# argument that is the configuration.
test_config() {
	unit=$1 tree=$2
	shift 2
	if log=$(timeout 60 unshare -m sh -c 't=$1 tree=$2; shift 2; mount --bind "$t" "$tree" && exec "$@"' sh \
		"$t/copy$tree" "$tree" "$@" ${dump:+"$dump"} </dev/null 2>&1 >"$t/dump" 9>&-); then
		return 0
	fi
	# PHP-FPM does not run without a pool: when the last one goes, it is stopped.
	case $log in *'No pool defined'*)
		: >"$t/poolless-$unit"
		return 0
		;;
	esac
	if present=$(timeout 60 "$@" </dev/null 2>&1 9>&-); then
		why "the new configuration does not pass \`$*\`"
	elif ! unshare -m true 2>/dev/null; then
		why 'the new configuration cannot be tested: the server does not let root make a mount namespace'
	else
		site=$(site_in "$tree" "$present")
		if [ -n "$site" ]; then
			why "the configuration in $tree was broken before this change: the server cannot use that of site $site"
		else
			why "the configuration in $tree was broken before this change, by something that is not fleet"
		fi
	fi
	printf '%s\n' "$log" >&2
	return 1
}

# reload UNIT: makes a running service take its new configuration, and notes for the undo that it ran. One that is
# stopped stays so.
reload() {
	if [ "$1" = nginx ] && nginx_master; then
		step "reloading $1"
		: >"$t/ran-$1"
		if ! reload_nginx; then
			why 'nginx did not take the new configuration within 10 seconds'
			news 10 /var/log/nginx/error.log >&2
			return 1
		fi
	elif systemctl is-active --quiet -- "$1.service"; then
		: >"$t/ran-$1"
		if [ -e "$t/poolless-$1" ]; then
			step "stopping $1"
			timeout 60 systemctl disable --quiet --now -- "$1.service"
		else
			# What fleet writes of a cluster's settings counts from its start only.
			case $1 in postgresql@*) verb=restart ;; *) verb=reload-or-restart ;; esac
			step "${verb%%-*}ing $1"
			timeout 90 systemctl "$verb" -- "$1.service"
			case $1 in php*-fpm)
				version=${1#php}
				await_pools "$1" "/etc/php/${version%-fpm}/fpm/pool.d"
				;;
			esac
		fi
	fi
}

# await_pools UNIT DIR: waits until PHP-FPM listens for all pools of fleet's in DIR. It is told of a new configuration and
# no more: before it takes that, it lets requests come to their end, for as long as its `process_control_timeout` says.
await_pools() {
	tries=0
	while :; do
		missing=$(sed -n 's/^listen = \//\//p' "$2"/fleet-*.conf 2>/dev/null | while read -r socket; do
			[ -e "$socket" ] || printf '%s\n' "$socket"
		done)
		[ -n "$missing" ] || return 0
		tries=$((tries + 1))
		if [ "$((tries % 20))" -eq 0 ] && ! systemctl is-active --quiet -- "$1.service"; then
			why "$1 ended when it was to take the new configuration"
			return 1
		fi
		[ "$tries" -lt 200 ] || break
		sleep 0.05
	done
	printf '@notice %s waits for requests to end before it takes the new configuration: scripts of new sites are answered with 502 until then\n' "$1"
}

# get URL HOST PATH: prints the status of a request to this server, without curl; `-` where it cannot be made, since
# nothing here speaks TLS.
get() {
	timeout 10 bash -c 'request="GET $3 HTTP/1.1\r\nHost: $2\r\nConnection: close\r\nUser-Agent: fleet\r\n\r\n"
		case $1 in
		http:*)
			exec 3<>/dev/tcp/127.0.0.1/80
			printf "%b" "$request" >&3
			;;
		*)
			type openssl >/dev/null || { echo -; exit; }
			exec 3< <(printf "%b" "$request" | openssl s_client -quiet -servername "$2" -connect 127.0.0.1:443)
			;;
		esac
		read -r -u 3 _ status _ && printf "%s\n" "$status"' bash "$@" 2>/dev/null || echo 000
}

# fetch FIRST ARGUMENT...: makes these requests, up to 32 at a time, and prints of each FIRST, its number from 0 on, and its
# status.
fetch() {
	first=$1
	shift
	curl -q -s -k -g -m 10 -Z --parallel-max 32 --noproxy '*' -A fleet --resolve '*:80:127.0.0.1' \
		--resolve '*:443:127.0.0.1' -w "$first %{urlnum} %{http_code}\n" "$@" 2>/dev/null </dev/null || :
}

# ask: makes each request `MIN MAX URL HOST PATH` of $t/probes; prints two numbers whose sum is that of its line, from 0 on,
# and its status.
ask() {
	number=0
	set --
	while read -r _ _ url host path; do
		if [ "$with_curl" ]; then
			set -- "$@" -o /dev/null "$url"
		else
			printf '%s 0 %s\n' "$number" "$(get "$url" "$host" "$path")" &
		fi
		number=$((number + 1))
		[ "$((number % 8))" -eq 0 ] || continue
		if [ -z "$with_curl" ]; then
			wait
			step probing >&4
		elif [ "$#" -ge 768 ]; then
			fetch "$((number - $# / 3))" "$@"
			step probing >&4
			set --
		fi
	done <"$t/probes"
	[ $# -eq 0 ] || fetch "$((number - $# / 3))" "$@"
	wait
}

# mark_logs FILE...: notes how long these are before anything is live, for `news`.
mark_logs() { stat -c '%s %n' -- "$@" >"$t/logs" 2>/dev/null || :; }

# mark_nginx_logs: notes it of nginx's own log of errors, and of those of the sites.
mark_nginx_logs() { mark_logs /var/log/nginx/error.log /var/log/nginx/fleet/*/error.log; }

# news COUNT FILE: its last lines, of those that were written since `mark_logs`: what is older is about something else.
news() {
	[ -r "$2" ] || return 0
	size=0
	while read -r marked name; do
		if [ "$name" = "$2" ]; then size=$marked; fi
	done <"$t/logs"
	# It was rotated away meanwhile.
	[ "$size" -le "$(stat -c %s -- "$2")" ] || size=0
	tail -c "+$((size + 1))" -- "$2" | tail -n "$1"
}

# errors_of HOST VHOSTS LOGS: prints where the site that has this name writes its errors; it may be called by another name.
errors_of() {
	vhost=$2/fleet-$1.conf
	if [ ! -e "$vhost" ]; then
		host=$(printf '%s\n' "$1" | sed 's/\./\\./g')
		vhost=$(grep -l -E "^ *server_name (.* )?${host}[ ;]" "$2"/fleet-*.conf 2>/dev/null | head -n 1)
	fi
	vhost=${vhost##*/fleet-}
	printf '%s/%s/error.log\n' "$3" "${vhost%.conf}"
}

# probe_once: one round of the requests in $t/probes; what is out of bounds goes to $t/unwell, with its status before it.
probe_once() {
	: >"$t/unwell"
	[ -s "$t/probes" ] || return 0
	with_curl=$(command -v curl) || :
	ask | sort -n -k 1,1 -k 2,2 >"$t/answers"
	number=0
	while read -r min max url rest <&3; do
		if [ "$number" -eq 0 ]; then read -r first asked status <&6 || :; fi
		answer=000
		if [ "$asked" ] && [ "$((first + asked))" -eq "$number" ]; then
			answer=$status
			asked=
			read -r first asked status <&6 || :
		fi
		number=$((number + 1))
		case $answer in
		-) continue ;;
		[1-5][0-9][0-9]) if [ "$answer" -ge "$min" ] && [ "$answer" -le "$max" ]; then continue; fi ;;
		*) answer=000 ;;
		esac
		printf '%s %s %s %s %s\n' "$answer" "$min" "$max" "$url" "$rest" || return
	done 3<"$t/probes" 6<"$t/answers" >"$t/unwell"
}

# Makes the requests in $t/probes until each is answered within its bounds, for a few seconds.
probe_all() {
	[ -s "$t/probes" ] || return 0
	[ -e "$t/logs" ] || mark_nginx_logs
	step probing
	end=
	while :; do
		probe_once
		[ -s "$t/unwell" ] || return 0
		now=$(date +%s)
		end=${end:-$((now + 4))}
		[ "$now" -lt "$end" ] || break
		cut -d ' ' -f 2- "$t/unwell" >"$t/probes"
		sleep 0.2
	done
	sed 's/^[0-9]* [0-9]* [0-9]* \([^ ]*\).*/@suspect \1/' "$t/unwell"
	head -n 5 "$t/unwell" | while read -r status min max url _; do
		case $status in
		000) why "$url does not answer on the server itself" ;;
		*) why "$url answers $status on the server itself, not $min to $max" ;;
		esac
	done
	[ "$(wc -l <"$t/unwell")" -le 5 ] || why 'and more requests are not answered as they should be'
	news 5 /var/log/nginx/error.log >&2
	head -n 5 "$t/unwell" | while read -r _ _ _ url _; do
		host=${url#*://}
		host=${host%%/*}
		news 3 "$(errors_of "$host" /etc/nginx/conf.d /var/log/nginx/fleet)" >&2
	done
	return 1
}

# no_space LOG: says which disk is full, if that is the matter; the shell itself only knows of an I/O error.
no_space() {
	case $1 in
	*'I/O error'* | *'No space left on device'*)
		full=$(places | sed -n 's/^0 //p' | head -n 1)
		[ -z "$full" ] || why "there is no space left on the disk of $full"
		;;
	esac
}

# undo: puts everything back after a failure of this transaction; before it was ready, nothing had happened.
undo() {
	step undoing
	if [ ! -e "$t/ready" ] || log=$(sh "$t/undo.sh" "$t" 2>&1); then
		drop "$t"
		printf '@undone\n'
	else
		details "$log"
		printf '@unrecovered %s\n' "${t##*/}"
	fi
}

# phase NAME: runs the function NAME; when it fails, undoes the transaction, tells why, and sets $failed: then the next
# ones do nothing. Never called in a condition: bash would ignore `set -e` in all that runs below it.
phase() {
	[ -z "$failed" ] || return 0
	log=
	ended=1
	if held; then
		log=$(set -e; exec 2>&1 >&4; "$1")
		ended=$?
	fi
	if [ "$ended" -ne 0 ]; then
		failed=$1
		held || lost
		printf '@failed %s\n' "$1"
		no_space "$log"
		details "$log"
		undo
	fi
}
exec 4>&1
