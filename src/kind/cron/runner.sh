#!/bin/sh
# Runs one cron job the way fleet was told to, and records how it went: `cron-run NAME`, or `cron-run NAME now` to run
# it at once with its output shown. Written by fleet, for all of its cron jobs.
#
# It runs as root, the job as the job's user. All that is written here lies in directories of root's alone, so that a
# job cannot put a link in the way, nor touch what another one left; and what a job is given (its environment, its
# working directory) takes effect only once it is that user.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077
cd / || exit 1
name=$1 how=${2:-cron}
case $name in '' | *[!A-Za-z0-9_-]*) echo 'usage: cron-run NAME [now]' >&2; exit 64 ;; esac
etc=/etc/fleet/cron
var=/var/lib/fleet/cron/$name
run=/run/fleet/cron
# What a run may write, per attempt, before the rest is dropped: 1 MiB.
limit=1048576

settings() {
	if [ ! -r "$etc/$name.conf" ] || [ ! -r "$etc/$name.sh" ] || [ ! -d "$var" ]; then
		echo "cron-run: there is no cron $name of fleet's here" >&2
		exit 69
	fi
	# shellcheck source=/dev/null
	. "$etc/$name.conf"
}

# moment: now, in milliseconds since 1970.
moment() { date +%s%3N; }

# record WORD...: one more line of the history, whole or not at all; the oldest lines go.
record() {
	(
		flock 8
		printf '%s\n' "$*" >>"$var/history"
		if [ "$(wc -l <"$var/history")" -gt 1200 ]; then
			tail -n 1000 -- "$var/history" >"$var/.history" && mv -f -- "$var/.history" "$var/history"
		fi
	) 2>/dev/null 8>"$var/lock"
}

# skip WHY: this run does not take place.
skip() {
	record skip "$id" "$how" "$1"
	[ "$how" = cron ] || echo "cron-run: it is running already, and may not run twice at the same time" >&2
	exit 75
}

# stop WHY: ends the job with all its processes; `timeout` sees to it that they end.
stop() {
	why=$1 again=1
	if [ -n "$job" ]; then kill -TERM -- "-$job" || kill -TERM "$job"; fi 2>/dev/null
}

# holder: the process that holds the lock, if it is one of these.
holder() {
	IFS= read -r pid <"$run/$name.holder" || return 1
	grep -q -z -x -F -e "$name" "/proc/$pid/cmdline" && printf '%s\n' "$pid"
} 2>/dev/null

# alone: waits for nobody (forbid), or ends whoever runs (replace).
alone() {
	exec 9>>"$run/$name.lock"
	if ! flock -n 9; then
		[ "$overlap" = replace ] || skip running
		tries=0
		until flock -w 1 9; do
			tries=$((tries + 1))
			[ "$tries" -lt 30 ] || skip stuck
			if pid=$(holder); then kill -USR1 "$pid" 2>/dev/null; fi
		done
	fi
	printf '%s\n' "$$" >"$run/$name.holder"
}

# collect: keeps what comes in, as far as there is room for it. Unbuffered, so that it can be followed.
collect() {
	stdbuf -o0 head -c "$limit" >>"$out"
	more=$(wc -c)
	[ "$more" -eq 0 ] || printf '\n(%s more bytes were not kept)\n' "$more" >>"$out"
}

# attempt: runs the job once; its exit code in $code.
attempt() {
	# Owned by the user, or the job could not open /dev/stdout; nobody else gets to it.
	rm -f -- "$pipe"
	mkfifo -- "$pipe" || exit 71
	chown -- "$uid:$gid" "$pipe" || exit 71
	# Not `9>&-` after it: a shell that runs a function keeps what is closed for that, and with it the lock.
	(
		exec 9>&-
		collect
	) <"$pipe" >/dev/null 2>&1 &
	collector=$!
	from=$(moment)
	# What there is before the job begins: asked for later, it could be what the job has said already.
	before=$(wc -c <"$out")
	# Signals as they were: whoever started this may have had them ignored.
	timeout --kill-after=10 "$timeout" /usr/bin/env -i --default-signal HOME="$home" LOGNAME="$user" USER="$user" SHELL=/bin/sh \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		/usr/bin/setpriv --reuid "$uid" --regid "$gid" --init-groups /bin/sh -s \
		<"$etc/$name.sh" >"$pipe" 2>&1 9>&- &
	job=$!
	viewer=
	if [ "$how" != cron ]; then
		# It ends when all is collected, which may be after the job has ended.
		tail -c +"$((before + 1))" -s 0.1 -f --pid="$collector" -- "$out" 2>/dev/null 9>&- &
		viewer=$!
	fi
	# A signal to this script ends a wait, not the job; and it may come when the job has just ended, whose exit code the
	# next wait tells. There is none (127) when it has been told already.
	told=
	while :; do
		again=
		wait "$job"
		code=$?
		if [ "$code" -eq 127 ] && [ -n "$told" ]; then code=$told; fi
		[ -n "$again" ] || break
		told=$code
	done
	job=
	# What the job left running may keep the pipe open for ever.
	patience=0
	while kill -0 "$collector" 2>/dev/null && [ "$patience" -lt 40 ]; do
		sleep 0.05 9>&-
		patience=$((patience + 1))
	done
	if [ -n "$viewer" ]; then
		if kill -0 "$collector" 2>/dev/null; then kill "$viewer" 2>/dev/null; fi
		wait "$viewer"
	fi
	if [ -n "$why" ]; then
		:
	elif [ "$code" -eq 0 ]; then
		why=ok
	elif [ "$timeout" -gt 0 ] && [ $(($(moment) - from)) -ge $((timeout * 1000)) ]; then
		why=timeout
	else
		why=failed
	fi
}

# report: what cron sends by mail.
report() {
	printf 'cron %s on %s: %s (exit code %s) after %s s' "$name" "$(uname -n)" "$why" "$code" $(((ended - began + 500) / 1000))
	[ "$attempts" -le 1 ] || printf ', %s attempts' "$attempts"
	printf '\n\n'
	cat -- "$out" 2>/dev/null
}

settings
mkdir -p -- "$run"
if [ "$how" = cron ] && [ "$delay" -gt 0 ]; then
	sleep "$(shuf -i "0-$delay" -n 1)"
	# It may have been changed, suspended or taken away meanwhile.
	[ -e "/etc/cron.d/fleet-$name" ] || exit 0
	settings
fi
began=$(moment)
id=$began-$$
out=$var/$id.out pipe=$run/$name.$$.pipe mark=$run/$name.$$
job='' why='' code=0 attempts=0
[ "$overlap" = allow ] || alone
trap 'rm -f -- "$mark" "$pipe"' EXIT
trap 'stop stopped' TERM INT HUP
trap 'stop replaced' USR1
: >"$mark"
record start "$id" "$how"
: >"$out"
if entry=$(getent passwd "$user"); then
	IFS=: read -r _ _ uid gid _ home _ <<-ENTRY
		$entry
	ENTRY
	while :; do
		attempts=$((attempts + 1))
		attempt
		case $why in failed | timeout) ;; *) break ;; esac
		[ "$attempts" -le "$retries" ] || break
		last=$why why=
		next="$last (exit code $code), attempt $((attempts + 1)) of $((retries + 1)) follows in $pause s"
		printf '%s\n' "$next" >>"$out"
		[ "$how" = cron ] || printf '%s\n' "$next"
		sleep "$pause" >/dev/null 2>&1 9>&- &
		wait $!
		if [ -n "$why" ]; then break; fi
	done
else
	why=failed code=67
	echo "there is no user $user on this server" >>"$out"
	[ "$how" = cron ] || cat -- "$out"
fi
ended=$(moment)
record end "$id" "$ended" "$code" "$why" "$attempts"
if [ "$how" = cron ]; then
	case $mail/$why in always/* | on-failure/[!o]*) report ;; esac
fi
[ -s "$out" ] || rm -f -- "$out"
# The oldest go; the names sort by time.
set -- "$var"/*.out
while [ $# -gt "$keep" ]; do
	rm -f -- "$1"
	shift
done
exit "$code"
