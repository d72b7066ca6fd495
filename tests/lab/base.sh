# What the servers are made of: one base tree per Debian suite, built once and kept under $CACHE.
# shellcheck shell=bash

# A base directory holds three trees: `bare` (a Debian that only runs sshd and cron), `full` (an overlay layer on top of it with the
# services) and `repo` (an apt repository of everything `full` added, for servers that install packages without the Internet).
BARE_PACKAGES=(systemd systemd-sysv dbus openssh-server sudo iproute2 nftables cron ca-certificates)
FULL_PACKAGES=(
    nginx php-fpm mariadb-server postgresql pdns-server pdns-backend-sqlite3
    curl openssl logrotate fish tcsh sqlite3 dnsutils
    python3 # for the tools that fleet is compared with
)
# Only put into the repository.
REPO_PACKAGES=(php-mysql php-pgsql php-sqlite3 php-curl php-mbstring php-xml php-zip python3-apt python3-pymysql rsync unzip)

# The directory of a suite's base; its name changes with anything that goes into it.
base_dir() {
    local suite=$1 key
    key=$({ cat "$HERE/base.sh" "$HERE/layer.sh" && echo "$suite" && dpkg --print-architecture; } | sha256sum)
    echo "$CACHE/$suite-${key:0:16}"
}

# Where this machine gets Debian from, so that a configured mirror is used here too.
mirror() {
    [[ -z ${FLEET_LAB_MIRROR:-} ]] || { echo "$FLEET_LAB_MIRROR"; return; }
    # shellcheck disable=SC2016 # the dollar is apt's
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        { grep -m 1 '^http.*/debian/$' || echo http://deb.debian.org/debian; }
}

# Builds what is missing of the named suites, side by side.
build_bases() {
    local suite missing=() jobs=() failed=0 i
    for suite in "$@"; do
        if [[ -d $(base_dir "$suite") ]]; then touch "$(base_dir "$suite")"; else missing+=("$suite"); fi
    done
    ((${#missing[@]})) || return 0
    mkdir -p "$CACHE"
    rm -rf "$CACHE"/tmp.*
    for suite in "${missing[@]}"; do
        say "building the base of $suite (log: $CACHE/build-$suite.log)"
        in_background build_base "$suite" >"$CACHE/build-$suite.log" 2>&1 &
        jobs+=($!)
    done
    for i in "${!jobs[@]}"; do
        suite=${missing[i]}
        if wait "${jobs[i]}"; then
            say "built $(base_dir "$suite"), ${SECONDS} s after the start"
            prune_bases "$suite"
        else
            tail -n 20 "$CACHE/build-$suite.log" >&2
            say "could not build the base of $suite: the end of its log is above"
            failed=1
        fi
    done
    return "$failed"
}

build_base() {
    local suite=$1 dir packages options=() line
    dir=$(mktemp -d "$CACHE/tmp.$suite.XXXXXX")
    chmod 755 "$dir"
    packages=$(IFS=,; echo "${BARE_PACKAGES[*]}")
    # Proxies and the like, but not the commands and index types that other packages hook into apt.
    while IFS= read -r line; do
        options+=(--aptopt="${line%;}")
    done < <(apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-|ForceIPv)' || true)
    mmdebstrap --mode=root --variant=minbase --include="$packages" --skip=cleanup/apt/lists \
        --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --aptopt='Acquire::Languages "none"' "${options[@]}" "$suite" "$dir/bare" "$(mirror)"
    mkdir "$dir/repo"
    # Mounts and daemons of the installation end with these namespaces, also when it is killed.
    unshare --mount --pid --fork --kill-child --propagation private \
        bash "$HERE/layer.sh" "$dir" "${FULL_PACKAGES[*]}" "${REPO_PACKAGES[*]}"
    configure_base "$dir/bare"
    mv -T "$dir" "$(base_dir "$suite")"
}

configure_base() {
    local root=$1 unit
    # Every server brings its own identity.
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/etc/resolv.conf"
    : >"$root/etc/machine-id"
    rm -rf "$root/var/lib/apt/lists" "$root"/var/cache/apt/*.bin "$root/var/log/apt" "$root/etc/apt/apt.conf.d/99mmdebstrap"
    mkdir -p "$root/var/lib/apt/lists/partial" "$root/srv/lab-repo"
    echo 'deb [trusted=yes] file:/srv/lab-repo ./' >"$root/etc/apt/sources.list"
    # What would start by itself in the middle of a measurement, and what waits for a console nobody looks at.
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer man-db.timer fstrim.timer \
        e2scrub_all.timer e2scrub_reap.service systemd-tmpfiles-clean.timer console-getty.service getty@tty1.service; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
    # The server addresses itself, so that it has its network again after a reboot from inside.
    cat >"$root/etc/systemd/system/lab-network.service" <<'UNIT'
[Unit]
Description=Addresses of this lab server
DefaultDependencies=no
Before=network.target ssh.service nginx.service
ConditionPathExists=/etc/lab-address

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'read v4 v6 </etc/lab-address; ip addr add "$v4" dev host0; ip addr add "$v6" dev host0 nodad; ip link set host0 up'

[Install]
WantedBy=multi-user.target
UNIT
    ln -sf ../lab-network.service "$root/etc/systemd/system/multi-user.target.wants/lab-network.service"
}

# Keeps the two newest bases of a suite, and any that a running server stands on.
prune_bases() {
    local suite=$1 dir kept=0
    while IFS= read -r dir; do
        kept=$((kept + 1))
        ((kept <= 2)) || grep -q "$dir/" /proc/mounts || rm -rf "$dir"
    done < <(find "$CACHE" -maxdepth 1 -type d -name "$suite-*" -printf '%T@ %p\n' | sort -rn | cut -d ' ' -f 2-)
}
