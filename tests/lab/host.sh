# What the lab needs of the machine it runs on: tools, a lock, cgroups, and the bridge with its addresses.
# shellcheck shell=bash

# tool:package
TOOLS=(
    mmdebstrap:mmdebstrap systemd-nspawn:systemd-container ip:iproute2 ssh:openssh-client ssh-keygen:openssh-client
    nsenter:util-linux unshare:util-linux flock:util-linux mountpoint:util-linux setsid:util-linux dpkg-deb:dpkg apt-get:apt
)

say() { printf 'lab: %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$1" >&2; [[ -z ${2:-} ]] || printf 'hint: %s\n' "$2" >&2; exit 1; }

check_machine() {
    local tool packages=(debian-archive-keyring) missing=()
    [[ $NUMBER == [1-7] ]] || fail "no number of a lab: \`$NUMBER\`" 'FLEET_LAB_NUMBER is 1 to 7'
    [[ $OSTYPE == linux* ]] || fail 'the lab needs Linux: its servers are systemd-nspawn containers'
    ((EUID == 0)) || fail 'the lab needs root: it mounts disks, makes a bridge and boots containers' 'run it with sudo'
    for tool in "${TOOLS[@]}"; do
        [[ " ${packages[*]} " == *" ${tool#*:} "* ]] || packages+=("${tool#*:}")
        command -v "${tool%:*}" >/dev/null || missing+=("${tool%:*}")
    done
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
    if ((${#missing[@]})) && [[ -n ${INSTALL:-} ]]; then
        say "installing ${packages[*]}"
        apt-get update -q >&2
        apt-get install -q -y --no-install-recommends "${packages[@]}" >&2 || fail 'could not install them'
    elif ((${#missing[@]})); then
        fail "the lab needs ${missing[*]}" "apt-get install ${packages[*]}, or run this again with \`--install\`"
    fi
    [[ -n $CGROUP ]] || fail 'the lab needs the version 2 cgroup hierarchy, and none is mounted'
    [[ -d $CGROUP/command ]] || mkdir -p "$CGROUP/command" || fail 'the lab needs to make cgroups, and may not'
}

# One lab command at a time. Whatever a killed one left running is in its cgroup, and ends here.
take_lock() {
    exec 9>>"$LOCK"
    flock --nonblock 9 || { say "waiting for another lab command (pid $(cat "$LOCK"))"; flock --timeout 600 9; } ||
        fail 'another lab command holds the lock for more than 10 minutes' "see $LOCK for its pid"
    echo $$ >"$LOCK"
    check_owner
    kill_cgroup command
}

# The bridge carries the directory of the lab it belongs to.
check_owner() {
    local owner=''
    [[ ! -e /sys/class/net/$BRIDGE ]] || owner=$(<"/sys/class/net/$BRIDGE/ifalias")
    [[ -z $owner || $owner == "$LAB" || ! -e $owner ]] ||
        fail "another lab is up, in $owner" "take it down first: FLEET_LAB_DIR=$owner $0 down"
}

# Runs a function in a background job: it must not inherit the lock, or it would hold it after us.
in_background() {
    local fd
    # Whatever lock somebody holds around this script, a server must not keep it.
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        ((fd <= 2)) || eval "exec $fd>&-"
    done
    "$@"
}

# The version 2 hierarchy holds the processes of the lab in groups below `$SELF`; with the version 1 controllers (mixed mode) the same
# groups exist in those that containers share their accounts with.
CGROUP='' LEGACY=()
while read -r _ point type options _; do
    case $type in
        cgroup2) CGROUP=${CGROUP:-$point/$SELF} ;;
        cgroup) [[ ! $options =~ name=systemd|cpuacct|memory ]] || LEGACY+=("$point/$SELF") ;;
    esac
done </proc/mounts

enter_cgroup() {
    local group
    for group in "$CGROUP" "${LEGACY[@]}"; do
        [[ -d $group/$1 ]] || mkdir -p "$group/$1"
        echo "$BASHPID" >"$group/$1/cgroup.procs"
    done
}

cgroup_is_alive() {
    local events
    mapfile -t events 2>/dev/null <"$CGROUP/$1/cgroup.events" && [[ " ${events[*]} " == *' populated 1 '* ]]
}

kill_cgroup() {
    local group=$1 try
    [[ -e $CGROUP/$group ]] || return 0
    for ((try = 0; try < 100; try++)); do
        cgroup_is_alive "$group" || break
        echo 1 >"$CGROUP/$group/cgroup.kill"
        sleep 0.05
    done
    remove_cgroup "$group"
}

remove_cgroup() {
    local group
    for group in "$CGROUP" "${LEGACY[@]}"; do
        find "$group${1:+/$1}" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}

BRIDGE=fleetlab$((NUMBER - 1))
# The last part of an address is 10 more than the server's number, in both families.
V4=10.$((82 + NUMBER)).0
V6=fd$((82 + NUMBER))::

network_up() {
    if [[ ! -e /sys/class/net/$BRIDGE ]]; then
        [[ $(ip -oneline route get "$V4.1" 2>/dev/null || true) =~ ^$|' via ' ]] || fail "$V4.0/24 is in use on this machine"
        ip link add "$BRIDGE" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    fi
    ip link set "$BRIDGE" alias "$LAB" up
    ip address replace "$V4.1/24" dev "$BRIDGE"
    ip address replace "${V6}1/64" dev "$BRIDGE" nodad 2>/dev/null || true
    # A machine with Docker drops what crosses a bridge unless told otherwise.
    if command -v iptables >/dev/null && ! iptables -C FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT 2>/dev/null; then
        iptables -I FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT 2>/dev/null || true
    fi
}

network_down() {
    [[ ! -e /sys/class/net/$BRIDGE ]] || ip link delete "$BRIDGE"
    ! command -v iptables >/dev/null || iptables -D FORWARD -i "$BRIDGE" -o "$BRIDGE" -j ACCEPT 2>/dev/null || true
}
