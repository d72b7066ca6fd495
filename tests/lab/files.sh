# The files a lab shows to the outside: its key, known_hosts, ssh_config and the fleet inventory.
# shellcheck shell=bash

print_env() {
    printf '%s=%q\n' FLEET_LAB_DIR "$LAB" FLEET_LAB_DISKS "$DISKS" FLEET_LAB_CACHE "$CACHE" \
        FLEET_INVENTORY "$LAB/inventory.toml" FLEET_LAB_KEY "$LAB/id_ed25519" FLEET_LAB_KNOWN_HOSTS "$LAB/known_hosts" \
        FLEET_LAB_SSH_CONFIG "$LAB/ssh_config"
}

make_lab_files() {
    mkdir -p "$LAB/servers" "$DISKS"
    chmod 755 "$LAB"
    [[ -s $LAB/id_ed25519.pub ]] || {
        rm -f "$LAB/id_ed25519"
        ssh-keygen -q -t ed25519 -N '' -C fleet-lab -f "$LAB/id_ed25519"
    }
}

# Writes a file whole or not at all: somebody may be reading it.
write_file() { cat >"$LAB/.$1" && mv "$LAB/.$1" "$LAB/$1"; }

write_lab_files() {
    known_hosts | write_file known_hosts
    ssh_config | write_file ssh_config
    inventory | write_file inventory.toml
}

known_hosts() {
    local name key
    for name in $(known_servers); do
        for key in "$(host_keys_of "$name")/"*.pub; do
            printf '%s,%s,%s %s\n' "$name" "$(address_of "$name")" "$(address6_of "$name")" "$(cut -d ' ' -f 1,2 "$key")"
        done
    done
}

ssh_config() {
    local name
    for name in $(known_servers); do
        printf 'Host %s\n  HostName %s\n  User %s\n' "$name" "$(address_of "$name")" "$(user_of "$name")"
    done
    printf 'Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n' "$LAB/id_ed25519" "$LAB/known_hosts"
    printf '  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  BatchMode yes\n'
}

inventory() {
    local name type suite base user regions=(singapore jakarta)
    printf '[settings]\nknown_hosts = "%s"\nstate = "%s"\n\n' "$LAB/known_hosts" "$LAB/state.db"
    printf '[defaults]\nuser = "root"\nidentity_file = "%s"\ncapacity = 50\n' "$LAB/id_ed25519"
    for name in $(known_servers); do
        type=$(type_of "$name")
        IFS=- read -r suite base user <<<"$type"
        printf '\n[servers.%s]\naddress = "%s"\nregion = "%s"\n' "$name" "$(address_of "$name")" "${regions[$(number_of "$name") % 2]}"
        printf 'labels = { suite = "%s", base = "%s" }\n' "$suite" "$base"
        printf 'ipv4 = "%s"\nipv6 = "%s"\n' "$(address_of "$name")" "$(address6_of "$name")"
        # Nothing on a bare server can hold a zone or a database.
        [[ $base == full ]] || printf 'roles = ["web"]\n'
        [[ $user == root ]] || printf 'user = "admin"\nbecome = true\n'
    done
}
