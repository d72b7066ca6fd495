# What transactions and their undo scripts need to have nginx load its configuration: POSIX sh.

# nginx_workers MASTER: sets $workers to the numbers of the processes that take connections.
nginx_workers() {
	workers=
	children=
	read -r children <"/proc/$1/task/$1/children" || :
	for child in $children; do
		title=
		IFS= read -r title <"/proc/$child/cmdline" 2>/dev/null || :
		case $title in
		'' | *'shutting down'*) ;;
		*) workers="$workers $child" ;;
		esac
	done
}

# nginx_master: sets $master to the number of nginx's main process; false when it is not known to run. The number in
# the file may be somebody else's by now.
nginx_master() {
	master=
	title=
	if [ -r /run/nginx.pid ]; then
		read -r master </run/nginx.pid || :
	else
		# The configuration may have another place for it.
		master=$(systemctl show -p MainPID --value nginx.service 2>/dev/null) || :
	fi
	case $master in '' | *[!0-9]*) return 1 ;; esac
	[ -r "/proc/$master/task/$master/children" ] || return 1
	IFS= read -r title <"/proc/$master/cmdline" || :
	case $title in 'nginx: master process'*) ;; *) return 1 ;; esac
}

# Tells nginx, of which $master is known, to load its configuration and waits until only workers that have it take
# connections.
reload_nginx() {
	nginx_workers "$master"
	old=$workers
	kill -HUP "$master"
	tries=0
	while [ "$tries" -lt 1000 ]; do
		sleep 0.01
		tries=$((tries + 1))
		nginx_workers "$master"
		remaining=
		for worker in $workers; do
			case "$old " in *" $worker "*) remaining=1 ;; esac
		done
		if [ -z "$remaining" ] && [ -n "$workers" ]; then return 0; fi
	done
	return 1
}
