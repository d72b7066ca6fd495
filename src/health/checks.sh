# Read-only checks of a server and of what is placed there: functions, called by what checks.rs appends. One
# `check WORD ...` line per finding, read by answers.rs. Every command has a limit of its own; SIGPIPE is ignored.

# c_said TEXT: the end of what a program said, on one line.
c_said() { printf '%s' "$1" | tr '\n\t' '  ' | tail -c 300; }

# c_reboot: whether a package asks for a restart, and the kernels that are installed; a container runs its host's.
c_reboot() {
    if [ -e /run/reboot-required ]; then
        echo 'check reboot required'
        while read -r c_name _; do printf 'check reboot for %s\n' "$c_name"; done 2>/dev/null </run/reboot-required.pkgs
    else
        echo 'check reboot no'
    fi
    [ ! -e /run/systemd/container ] || return 0
    for c_file in /boot/vmlinuz-*; do
        [ ! -f "$c_file" ] || printf 'check kernel %s\n' "${c_file#/boot/vmlinuz-}"
    done
}

# c_updates: installed packages of which the security archive has another version; nothing is downloaded, and apt is not
# asked, since it takes a second to read all of the other archives. Who is the newer is compared by the reader.
c_updates() {
    set --
    for c_file in /var/lib/apt/lists/*-security_*_Packages /var/lib/apt/lists/*-security_*_Packages.*; do
        [ ! -f "$c_file" ] || set -- "$@" "$c_file"
    done
    [ -r /var/lib/dpkg/status ] || return 0
    if [ $# -eq 0 ]; then
        echo 'check updates nolists'
        return 0
    fi
    printf 'check lists %s\n' "$(stat -c %Y /var/lib/apt/lists /var/lib/apt/lists/partial 2>/dev/null | sort -n | tail -n 1)"
    # Lists may be compressed (Acquire::GzipIndexes); apt knows how. Half of them would look as if nothing waited.
    # shellcheck disable=SC2016 # the dollars are awk's
    {
        timeout 10 /usr/lib/apt/apt-helper cat-file "$@" 2>/dev/null </dev/null && printf '\nFleet-Whole: yes\n'
    } | timeout 10 awk '
        /^Fleet-Whole: yes$/ { whole = 1 }
        /^Package: / { name = $2; installed = 0 }
        /^Status: / { installed = ($NF == "installed") }
        /^Version: / {
            if (FILENAME != "/var/lib/dpkg/status") offered[name] = offered[name] " " $2
            else if (installed && (name in offered) && offered[name] != " " $2) print "check update", name, $2 offered[name]
        }
        END { if (whole) print "check updates read" }' - /var/lib/dpkg/status
}

# c_mail: messages that wait, counted as files and only as far as 10,000: asking the daemon takes as long as the queue.
c_mail() {
    for c_dir in /var/spool/postfix /var/spool/exim4/input; do
        [ -d "$c_dir" ] || continue
        case $c_dir in
        */postfix) set -- "$c_dir/maildrop" "$c_dir/incoming" "$c_dir/active" "$c_dir/deferred" "$c_dir/hold" ;;
        *) set -- "$c_dir" -name '*-H' ;;
        esac
        printf 'check mail %s\n' "$(timeout 5 find "$@" -type f 2>/dev/null | head -n 10000 | wc -l)"
    done
}

# c_nginx: whether what is on the disk would be taken at the next reload, and where anything listens.
c_nginx() {
    c_file=/usr/sbin/nginx
    [ -x "$c_file" ] || return 0
    if c_value=$(timeout 10 "$c_file" -t -q 2>&1 </dev/null); then
        echo 'check nginx valid'
    else
        printf 'check nginx invalid %s\n' "$(c_said "$c_value")"
    fi
    for c_value in 80:0050 443:01BB; do
        # The state 0A is LISTEN (proc(5)).
        ! grep -qs ":${c_value#*:} [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6 || printf 'check listens %s\n' "${c_value%:*}"
    done
}

# c_php: the same for each PHP-FPM.
c_php() {
    for c_file in /usr/sbin/php-fpm[0-9]*; do
        [ -x "$c_file" ] || continue
        if c_value=$(timeout 10 "$c_file" -t 2>&1 </dev/null); then
            printf 'check php %s valid\n' "${c_file#/usr/sbin/php-fpm}"
        else
            printf 'check php %s invalid %s\n' "${c_file#/usr/sbin/php-fpm}" "$(c_said "$c_value")"
        fi
    done
}

# c_cron: whether the daemon runs.
c_cron() { printf 'check cron %s\n' "$(timeout 5 systemctl is-active cron 2>/dev/null </dev/null)"; }

# c_mariadb: whether it takes connections; being refused for want of a password is an answer too.
c_mariadb() {
    c_file=mariadb-admin
    command -v "$c_file" >/dev/null || c_file=mysqladmin
    if c_value=$(timeout 5 "$c_file" --connect-timeout=4 ping 2>&1 </dev/null); then
        echo 'check mariadb answers'
    else
        printf 'check mariadb silent %s\n' "$(c_said "$c_value")"
    fi
}

# c_postgres: the same for each cluster. Debian's own pg_isready is a wrapper in Perl, ten times as slow.
c_postgres() {
    for c_dir in /etc/postgresql/*/*/; do
        c_dir=${c_dir%/} c_file=/usr/lib/postgresql/${c_dir#/etc/postgresql/}
        c_file=${c_file%/*}/bin/pg_isready
        if [ ! -f "$c_dir/postgresql.conf" ] || [ ! -x "$c_file" ]; then continue; fi
        c_port=$(sed -n "s/^[[:space:]]*port[[:space:]]*=\{0,1\}[[:space:]]*'\{0,1\}\([0-9][0-9]*\).*/\1/p" "$c_dir/postgresql.conf" | tail -n 1)
        if c_value=$(timeout 5 "$c_file" -q -t 4 -h /var/run/postgresql -p "${c_port:-5432}" 2>&1 </dev/null); then
            printf 'check postgres %s answers\n' "${c_dir#/etc/postgresql/}"
        else
            printf 'check postgres %s silent %s\n' "${c_dir#/etc/postgresql/}" "$(c_said "$c_value")"
        fi
    done
}

# c_zones ZONE...: for which of them the server itself answers.
c_zones() {
    command -v dig >/dev/null || { echo 'check zones unasked'; return; }
    pdns_at
    printf '%s. SOA\n' "$@" | timeout 10 dig "@$pdns_address" -p "$pdns_port" +norecurse +tries=1 +time=2 +noall +answer -f - 2>/dev/null |
        while read -r c_name _ _ c_value _; do
            [ "$c_value" != SOA ] || printf 'check zone %s\n' "$c_name"
        done
    echo 'check zones asked'
}

# c_certificates FILE SHA256 FILE SHA256 ...: whether the files are what was placed; of one that is not, the certificate.
c_certificates() {
    while [ $# -gt 1 ]; do
        # The first of the file is the site's own; it is read whole or not at all.
        c_value=$(sha256sum -- "$1" 2>/dev/null </dev/null)
        if [ -z "$c_value" ]; then
            printf 'check file %s missing\n' "$1"
        elif [ "${c_value%% *}" = "$2" ]; then
            printf 'check file %s same\n' "$1"
        else
            printf 'check file %s other %s\n' "$1" "$(sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/{/^-----END/q;/^-----/!p;}' -- "$1" 2>/dev/null | head -c 16384 | tr -d '\n\r')"
        fi
        shift 2
    done
}

# c_curl ...: a request to this server itself, whatever the name means elsewhere.
c_curl() {
    curl -q -s -k -g --path-as-is -m 5 --noproxy '*' -A fleet --resolve '*:80:127.0.0.1' --resolve '*:443:127.0.0.1' "$@" </dev/null
}

# c_pages URL...: requests without a text to look for, 32 at a time, in one process.
c_pages() {
    command -v curl >/dev/null || { echo 'check pages unasked'; return; }
    for c_value; do
        set -- "$@" -o /dev/null "$c_value"
        shift
    done
    c_curl -Z --parallel-max 32 -w 'check page %{http_code} %{time_starttransfer} %{exitcode} %{url_effective} %{errormsg}\n' "$@" 2>/dev/null
    echo 'check pages asked'
}

# c_text NUMBER URL TEXT: a request with a text to look for in its first 256 KiB; in the background, up to 8 at a time.
c_text() {
    command -v curl >/dev/null || return 0
    {
        c_value=$({
            c_curl -w '%{stderr}%{http_code} %{time_starttransfer} %{exitcode} %{url_effective} %{errormsg}\n' "$2" 2>&3 |
                head -c 262144 | if grep -q -a -F -e "$3"; then echo 'with'; else echo 'without'; fi
        } 3>&1)
        while read -r c_line; do
            case $c_line in
            with | without) printf 'check text %s %s\n' "$1" "$c_line" ;;
            [0-9]*) printf 'check page %s\n' "$c_line" ;;
            esac
        done <<END
$c_value
END
    } &
    c_asking=$((${c_asking:-0} + 1))
    [ "$((c_asking % 8))" -ne 0 ] || wait
}
