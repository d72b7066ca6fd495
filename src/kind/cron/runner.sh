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
		if ! printf '%s\n' "$*" >>"$var/history"; then
			# Half of a line, where the disk is full, would spoil the next one.
			[ -z "$(tail -c 1 -- "$var/history")" ] || truncate -s "-$(tail -n 1 -- "$var/history" | wc -c)" -- "$var/history"
			exit 1
		fi
		if [ "$(wc -l <"$var/history")" -gt 1200 ]; then
			if tail -n 1000 -- "$var/history" >"$var/.history"; then
				mv -f -- "$var/.history" "$var/history"
			else
				rm -f -- "$var/.history"
			fi
		fi
	) 2>/dev/null 8>"$var/lock"
}

# lose: notes that something of this run could not be kept.
lose() { true >"$mark.lost"; }

# say TEXT: adds a line to the output.
say() { printf '%s\n' "$1" | tee -a -- "$out" 2>/dev/null >>"$all" || lose; }

# skip WHY: this run does not take place.
skip() {
	record skip "$id" "$how" "$1"
	[ "$how" = cron ] || echo "cron-run: it is running already, and may not run twice at the same time" >&2
	exit 75
}

# stop WHY: ends the job, or the pause before its next attempt.
stop() {
	ending=$1 again=1
	# In a process that is only just made a signal may get lost: `timeout` makes a group of its own when it is ready for one,
	# and hands it on to the job. One that has ended has no program.
	while [ -n "$job" ] && [ -e "/proc/$job/exe" ]; do
		ready=
		if kill -s 0 -- "-$job"; then ready=1; fi
		kill -s TERM "$job"
		[ -z "$ready" ] || break
		sleep 0.1 9>&-
	done 2>/dev/null
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

# collect: keeps what comes in, as far as there is room for it. Unbuffered, so that it can be followed. What is shown and
# sent by mail is not that on the disk: a job that finds the disk full, or fills it, has to be heard too.
collect() {
	stdbuf -o0 head -c "$limit" | tee -a -- "$out" >>"$all" || lose
	more=$(wc -c)
	[ "$more" -eq 0 ] || say "
($more more bytes were not kept)"
}

# finish GROUP: sees to it that all processes of a job end that was ended: `timeout` waits for the first one alone.
finish() {
	left=100
	while kill -s 0 -- "-$1"; do
		if [ "$left" -eq 0 ]; then
			kill -s KILL -- "-$1"
			break
		fi
		sleep 0.1 9>&-
		left=$((left - 1))
	done
} 2>/dev/null

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
	before=$(wc -c <"$all")
	# Signals as they were: whoever started this may have had them ignored.
	timeout --kill-after=10 "$timeout" /usr/bin/env -i --default-signal HOME="$home" LOGNAME="$user" USER="$user" SHELL=/bin/sh \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		/usr/bin/setpriv --reuid "$uid" --regid "$gid" --init-groups /bin/sh -s \
		<"$etc/$name.sh" >"$pipe" 2>&1 9>&- &
	job=$! group=$job
	# What ends it may have come before there was anything to end.
	[ -z "$ending" ] || stop "$ending"
	viewer=
	if [ "$how" != cron ]; then
		# It ends when all is collected, which may be after the job has ended.
		tail -c +"$((before + 1))" -s 0.1 -f --pid="$collector" -- "$all" 2>/dev/null 9>&- &
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
	if [ -n "$ending" ]; then
		why=$ending
	elif [ "$code" -eq 0 ]; then
		why=ok
	elif [ "$timeout" -gt 0 ] && [ $(($(moment) - from)) -ge $((timeout * 1000)) ]; then
		why=timeout
	else
		why=failed
	fi
	case $why in ok | failed) ;; *) finish "$group" ;; esac
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
}

# report: what cron sends by mail.
report() {
	printf 'cron %s on %s: %s (exit code %s) after %s s' "$name" "$(uname -n)" "$why" "$code" $(((ended - began + 500) / 1000))
	[ "$attempts" -le 1 ] || printf ', %s attempts' "$attempts"
	printf '\n\n'
	cat -- "$all" 2>/dev/null
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
mark=$run/$name.$$
out=$var/$id.out all=$mark.all pipe=$mark.pipe
job='' ending='' why='' code=0 attempts=0
# Whoever finds this one to have the lock may send it at once.
trap 'stop replaced' USR1
[ "$overlap" = allow ] || alone
trap 'rm -f -- "$mark" "$mark.lost" "$all" "$pipe"' EXIT
trap 'stop stopped' TERM INT HUP
printf 'start %s %s\n' "$id" "$how" >"$mark"
record start "$id" "$how" || lose
: >"$all"
# Not `:`, with which a shell ends that cannot write there.
true 2>/dev/null >"$out" || lose
if entry=$(getent passwd "$user"); then
	IFS=: read -r _ _ uid gid _ home _ <<-ENTRY
		$entry
	ENTRY
	while :; do
		if [ -n "$ending" ]; then
			why=$ending
			[ "$attempts" -gt 0 ] || code=143
			break
		fi
		attempts=$((attempts + 1))
		attempt
		case $why in failed | timeout) ;; *) break ;; esac
		[ "$attempts" -le "$retries" ] || break
		next="$why (exit code $code), attempt $((attempts + 1)) of $((retries + 1)) follows in $pause s"
		say "$next"
		[ "$how" = cron ] || printf '%s\n' "$next"
		sleep "$pause" >/dev/null 2>&1 9>&- &
		job=$!
		[ -z "$ending" ] || stop "$ending"
		wait "$job"
		job=
	done
else
	why=failed code=67
	say "there is no user $user on this server"
	[ "$how" = cron ] || cat -- "$all"
fi
ended=$(moment)
record end "$id" "$ended" "$code" "$why" "$attempts" || lose
if [ -e "$mark.lost" ]; then
	lost="what this run printed, or that it ran, could not be kept: $var cannot be written to"
	echo "$lost" >>"$all"
	[ "$how" = cron ] || echo "$lost"
fi
if [ "$how" = cron ]; then
	case $mail/$why in always/* | on-failure/[!o]*) report ;; esac
fi
[ -s "$out" ] || rm -f -- "$out"
# The oldest go; the names sort by time.
set -- "$var"/*.out
while [ $# -gt "$keep" ]; do
	# Not that of one that still runs.
	process=${1##*-}
	[ -e "$run/$name.${process%.out}" ] || rm -f -- "$1"
	shift
done
exit "$code"
