# One server of the lab: its disk, boot, readiness, ways to die, and what is known about it.
# shellcheck shell=bash

number_of() { echo "${1#lab-}"; }
address_of() { echo "$V4.$((10 + ${1#lab-}))"; }
address6_of() { echo "$V6$((10 + ${1#lab-}))"; }
user_of() { [[ $(type_of "$1") == *-sudo ]] && echo admin || echo root; }
type_of() { cat "$LAB/servers/$1/type"; }
# What the machine knows a server by: names are the same in every lab.
machine_of() { if ((NUMBER == 1)); then echo "$1"; else echo "lab$NUMBER-${1#lab-}"; fi; }
known_servers() { [[ ! -d $LAB/servers ]] || ls -v "$LAB/servers"; }
is_running() { cgroup_is_alive "$1"; }
is_cut() { [[ -e $LAB/servers/$1/cut ]]; }

# `SUITE-BASE-USER` from words in any order, each with a default: bookworm, full, root.
full_type() {
    local word suite=bookworm base=full user=root
    for word in ${1//-/ }; do
        case $word in
            bookworm | trixie) suite=$word ;;
            full | bare) base=$word ;;
            root | sudo) user=$word ;;
            *) fail "unknown server type \`$1\`" 'join words with a dash: bookworm or trixie, full or bare, root or sudo' ;;
        esac
    done
    echo "$suite-$base-$user"
}

# The process that is pid 1 of the server.
leader_of() {
    local group pid pids about
    for group in payload/init.scope payload; do
        mapfile -t pids 2>/dev/null <"$CGROUP/$1/$group/cgroup.procs" || continue
        for pid in "${pids[@]}"; do
            mapfile -t about 2>/dev/null <"/proc/$pid/status" || continue
            if [[ ${about[*]} =~ NSpid:[[:digit:][:space:]]*[[:space:]]1\ NSpgid: ]]; then
                echo "$pid"
                return
            fi
        done
    done
    return 1
}

# Runs a command inside the server, as root.
inside() {
    local name=$1 leader
    shift
    leader=$(leader_of "$name") || return 1
    (
        enter_cgroup "$name/payload/lab.shell"
        exec nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd \
            env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root "TERM=${TERM:-dumb}" "$@"
    )
}

host_keys_of() { echo "$CACHE/host-keys/$(machine_of "$1")"; }

# A new server: forgets what the name stood for before.
create_server() {
    local name=$1 type=$2 base=$3 state=$LAB/servers/$1 kind keys
    destroy_server "$name"
    mkdir -p "$state" "$DISKS/$name"
    echo "$type" >"$state/type"
    echo "$base" >"$state/base"
    # Host keys outlast a server of the same name: making an RSA key takes longer than booting.
    keys=$(host_keys_of "$name")
    mkdir -p "$keys"
    chmod 700 "$CACHE/host-keys"
    for kind in ed25519 ecdsa rsa; do
        [[ -s $keys/ssh_host_${kind}_key.pub ]] || {
            rm -f "$keys/ssh_host_${kind}_key"
            ssh-keygen -q -t "$kind" -N '' -C "$name" -f "$keys/ssh_host_${kind}_key"
        }
    done
}

mount_disk() {
    local name=$1 disk=$DISKS/$1 base layers
    mountpoint -q "$disk/root" && return
    base=$(cat "$LAB/servers/$name/base")
    layers=$base/bare
    [[ $(type_of "$name") != *-full-* ]] || layers=$base/full:$layers
    mkdir -p "$disk/upper" "$disk/work" "$disk/root"
    mount -t overlay "fleet-$name" -o "lowerdir=$layers,upperdir=$disk/upper,workdir=$disk/work" "$disk/root" ||
        fail "could not mount an overlay at $disk" 'set FLEET_LAB_DISKS to a directory on a plain file system (ext4, xfs, tmpfs)'
}

# What makes the disk of this server differ from its base.
personalise() {
    local name=$1 root=$DISKS/$1/root home=/root
    echo "$name" >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n::1 localhost\n%s %s\n%s %s\n' \
        "$(address_of "$name")" "$name" "$(address6_of "$name")" "$name" >"$root/etc/hosts"
    printf '%s/24 %s/64\n' "$(address_of "$name")" "$(address6_of "$name")" >"$root/etc/lab-address"
    tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
    cp "$(host_keys_of "$name")/"ssh_host_* "$root/etc/ssh/"
    if [[ $(user_of "$name") == admin ]]; then
        home=/home/admin
        chroot "$root" useradd --create-home --shell /bin/bash admin
        echo 'admin ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
        chmod 440 "$root/etc/sudoers.d/admin"
        echo 'PermitRootLogin no' >"$root/etc/ssh/sshd_config.d/lab.conf"
    fi
    install -d -m 700 "$root$home/.ssh"
    install -m 600 "$LAB/id_ed25519.pub" "$root$home/.ssh/authorized_keys"
    [[ $home == /root ]] || chroot "$root" chown -R admin: "$home/.ssh"
}

# Starts a server whose disk exists, and comes back before it is ready.
boot_server() {
    local name=$1 state=$LAB/servers/$1 machine
    is_running "$name" && return
    machine=$(machine_of "$name")
    mount_disk "$name"
    [[ -s $DISKS/$name/root/etc/lab-address ]] || personalise "$name"
    # The kernel takes its time to remove the interface of a server that was killed, and nspawn refuses to share.
    ip link delete "vb-$machine" 2>/dev/null || true
    mend_server "$name"
    rm -f "$state/pid"
    (
        exec 9>&-
        enter_cgroup "$name"
        echo "$BASHPID" >"$state/pid"
        # The version 2 hierarchy alone: Debian 13 does not boot on the older ones. Exit code 133 asks for a reboot.
        exec env -i PATH="$PATH" SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 \
            setsid bash -c 'until "$@"; (($? != 133)); do :; done' "fleet-$name" systemd-nspawn --quiet --directory="$DISKS/$name/root" --boot --machine="$machine" --hostname="$name" --settings=no \
            --register=no --keep-unit --network-bridge="$BRIDGE" --link-journal=no --resolv-conf=off --timezone=off \
            --bind-ro="$(cat "$state/base")/repo:/srv/lab-repo" </dev/null >"$state/console.log" 2>&1
    ) &
    # On a busy machine that takes a moment, and a server that is not there is taken for one that has gone.
    until [[ -s $state/pid ]] || ! kill -0 "$!" 2>/dev/null; do sleep 0.01; done
}

# Waits until systemd has started everything and sshd lets us in.
await_server() {
    local name=$1 state=$LAB/servers/$1 status='not booted' deadline=$((SECONDS + ${FLEET_LAB_WAIT:-180}))
    while ((SECONDS < deadline)); do
        cgroup_is_alive "$name" || sleep 0.2
        cgroup_is_alive "$name" || { status='not running any more'; break; }
        status=$(inside "$name" timeout 10 systemctl is-system-running --wait 2>/dev/null || true)
        if [[ $status == running || $status == degraded ]]; then
            [[ $status == running ]] || say "$name is degraded: $(inside "$name" systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | xargs)"
            if ssh -F "$LAB/ssh_config" -o ConnectTimeout=5 "$name" true 2>"$state/ssh.log"; then
                touch "$state/ready"
                return
            fi
            status="refusing ssh: $(tail -n 1 "$state/ssh.log")"
        fi
        sleep 0.1
    done
    tail -n 25 "$state/console.log" >&2 || true
    say "$name is ${status:-still booting}; the end of its console is above ($state/console.log)"
    ! grep -q 'inotify.*Too many open files' "$state/console.log" ||
        say "too many servers for this machine: take another lab down, or set fs.inotify.max_user_instances to 1024 with sysctl"
    return 1
}

cut_server() {
    local name=$1 address hardware
    is_running "$name" || fail "$name is off" "lab start $name"
    # Our neighbour table must go on believing in it, or connecting would fail at once instead of hanging.
    hardware=$(nsenter --target "$(leader_of "$name")" --net ip -o link show host0 | sed -E 's/.*link.ether ([0-9a-f:]+).*/\1/')
    for address in "$(address_of "$name")" "$(address6_of "$name")"; do
        ip neighbour replace "$address" lladdr "$hardware" nud permanent dev "$BRIDGE"
    done
    touch "$LAB/servers/$name/cut"
    ip link set "vb-$(machine_of "$name")" down
}

mend_server() {
    local name=$1 address machine
    machine=$(machine_of "$name")
    [[ ! -e /sys/class/net/vb-$machine ]] || ip link set "vb-$machine" up
    is_cut "$name" || return 0
    for address in "$(address_of "$name")" "$(address6_of "$name")"; do
        ip neighbour delete "$address" dev "$BRIDGE" 2>/dev/null || true
    done
    rm -f "$LAB/servers/$name/cut"
}

# The power cable: nothing inside gets a chance to say goodbye.
kill_server() { kill_cgroup "$1"; }

# The power button.
power_off() {
    local name=$1 leader deadline=$((SECONDS + 30))
    if leader=$(leader_of "$name"); then kill -s RTMIN+4 "$leader"; fi
    while is_running "$name" && ((SECONDS < deadline)); do sleep 0.1; done
    ! is_running "$name" || say "$name did not power off within 30 s"
    kill_cgroup "$name"
}

destroy_server() {
    local name=$1
    kill_cgroup "$name"
    # What nspawn itself leaves behind when it is killed.
    rm -f "/run/systemd/nspawn/locks/inode-$(stat -c %d:%i "$DISKS/$name/root" 2>/dev/null)"
    rmdir "/run/systemd/nspawn/propagate/$(machine_of "$name")" 2>/dev/null || true
    while mountpoint -q "$DISKS/$name/root"; do
        umount "$DISKS/$name/root" 2>/dev/null || umount --lazy "$DISKS/$name/root"
    done
    rm -rf "${DISKS:?}/$name" "${LAB:?}/servers/$name"
}
