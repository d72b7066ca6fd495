# Read-only look at a server: one `key value` line per fact, read by parse.rs, closed by `end`.
# The transport has set PATH and LC_ALL. Builtins of the shell wherever they can do it:
# a process costs half a millisecond and more, the whole look some ten.
date '+time %s.%N'

# Names of variables are unlike any the login may have exported.
while read -r f_key _ f_value _; do
    case $f_key in Uid:) printf 'uid %s\n' "$f_value"; break ;; esac
done 2>/dev/null </proc/self/status
read -r f_value _ 2>/dev/null </proc/uptime && printf 'uptime %s\n' "$f_value"
read -r f_value 2>/dev/null </proc/loadavg && printf 'load %s\n' "$f_value"
while read -r f_key f_value _; do
    case $f_key in
    MemTotal:) printf 'memory_total_kib %s\n' "$f_value" ;;
    MemAvailable:) printf 'memory_available_kib %s\n' "$f_value"; break ;;
    esac
done 2>/dev/null </proc/meminfo
read -r f_value 2>/dev/null </sys/devices/system/cpu/online && printf 'cpus %s\n' "$f_value"
read -r f_value 2>/dev/null </proc/sys/kernel/osrelease && printf 'kernel %s\n' "$f_value"
{ read -r f_value 2>/dev/null </proc/sys/kernel/arch || f_value=$(uname -m); } && printf 'arch %s\n' "$f_value"
# The rule that ends the file holds from now on (tzfile(5)).
printf 'timezone %s\n' "$(tail -n 1 /etc/localtime 2>/dev/null | tr -d '\000')"
if [ -e /proc/net/if_inet6 ]; then echo 'ipv6 yes'; else echo 'ipv6 no'; fi
for f_file in /etc/os-release /usr/lib/os-release; do
    [ -r "$f_file" ] || continue
    while IFS= read -r f_value || [ -n "$f_value" ]; do
        case $f_value in ID=*) printf 'os %s\n' "${f_value#ID=}" ;; VERSION_ID=*) printf 'os_version %s\n' "${f_value#VERSION_ID=}" ;; esac
    done <"$f_file"
    break
done

# f_service UNIT: whether the unit exists, and whether it starts at boot.
f_service() {
    for f_file in "/etc/systemd/system/$1.service" "/run/systemd/system/$1.service" "/usr/lib/systemd/system/$1.service" "/lib/systemd/system/$1.service" "/etc/init.d/$1" ''; do
        [ ! -e "$f_file" ] || break
    done
    if [ -z "$f_file" ]; then
        f_value=missing
    elif [ "$f_file" -ef /dev/null ]; then
        f_value=masked
    else
        f_value=disabled
        for f_file in /etc/systemd/system/*.wants/"$1.service"; do
            [ ! -L "$f_file" ] || f_value=enabled
        done
    fi
    printf 'service %s %s\n' "$1" "$f_value"
}
f_service nginx
for f_path in /usr/sbin/php-fpm[0-9]*; do
    [ -x "$f_path" ] || continue
    printf 'php %s\n' "${f_path#/usr/sbin/php-fpm}"
    f_service "php${f_path#/usr/sbin/php-fpm}-fpm"
done
f_service pdns
f_service mariadb
# A PostgreSQL cluster has a unit of its own; `postgresql` starts those that say `auto`.
f_service postgresql
for f_path in /etc/postgresql/*/*/start.conf; do
    [ -r "$f_path" ] || continue
    f_rest=disabled
    while read -r f_key _; do
        [ "$f_key" != auto ] || f_rest=$f_value
    done <"$f_path"
    f_path=${f_path#/etc/postgresql/} f_path=${f_path%/start.conf}
    printf 'service postgresql@%s-%s %s\n' "${f_path%%/*}" "${f_path##*/}" "$f_rest"
done

# `systemctl` thinks while `df` and nginx run; the dot tells that it was answered.
[ ! -d /run/systemd/system ] || echo 'systemd'
{
    systemctl list-units --plain --no-legend --no-pager --full --state=failed,running,activating,deactivating,reloading 2>/dev/null </dev/null && echo .
} | {
    echo 'at disks'
    set -- / /var /var/log /srv /home /var/lib/fleet /var/lib/mysql /var/lib/postgresql
    df -B1 --output=size,used,avail,itotal,iavail,target "$@" 2>/dev/null </dev/null
    for f_path do
        # faccessat(2) tells root, too, that a file system is read-only.
        [ ! -d "$f_path" ] || [ -w "$f_path" ] || printf 'unwritable %s\n' "$f_path"
    done
    [ ! -x /usr/sbin/nginx ] || nginx -v 2>&1 </dev/null
    echo 'at units'
    while read -r f_key _ f_value _; do
        case $f_value/$f_key in
        failed/* | */nginx.service | */php*-fpm.service | */pdns.service | */mariadb.service | */postgresql@*) printf 'unit %s %s\n' "$f_key" "$f_value" ;;
        */.) echo 'units_known' ;;
        esac
    done
}
echo 'end'
