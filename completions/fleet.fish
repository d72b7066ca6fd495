# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_fleet_global_optspecs
    string join \n inventory= state= output= json q/quiet v/verbose no-color y/yes h/help V/version
end

function __fish_fleet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_fleet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_fleet_using_subcommand
    set -l cmd (__fish_fleet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c fleet -n "__fish_fleet_needs_command" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_needs_command" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_needs_command" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_needs_command" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_needs_command" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_needs_command" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_needs_command" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_needs_command" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_needs_command" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_needs_command" -s V -l version -d 'Print version'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "init" -d 'Write an inventory to start with'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-server" -d 'Take a server into the inventory, and look at it'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-server" -d 'Change settings of a server'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-server" -d 'Take an empty server out of the inventory'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-servers" -d 'List the servers, how they are, and what they hold'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-server" -d 'Show everything that is known of a server'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "cordon" -d 'Keep new resources away from servers'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "uncordon" -d 'Let servers take new resources again'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "run" -d 'Run a command on many servers'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "setup-server" -d 'Install and start what a role needs on a bare server'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-site" -d 'Add a website, placed by capacity or where you say'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-site" -d 'Change settings of a website: only those given'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-sites" -d 'List the sites, and where they are'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-site" -d 'Show settings, place and status of a website'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "suspend-site" -d 'Switch a website off, kept as it is to be resumed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "resume-site" -d 'Switch a website on again after it was suspended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-site" -d 'Remove a website; what it holds goes to the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-zone" -d 'Add a DNS zone, placed by capacity or where you say'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-zone" -d 'Change settings of a DNS zone: only those given'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-zones" -d 'List the zones, and where they are'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-zone" -d 'Show settings, place and status of a DNS zone'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "suspend-zone" -d 'Switch a DNS zone off, kept as it is to be resumed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "resume-zone" -d 'Switch a DNS zone on again after it was suspended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-zone" -d 'Remove a DNS zone; what it holds goes to the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-record" -d 'Add records to a zone'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-record" -d 'Replace the values of a zone\'s records'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-record" -d 'Remove records from a zone'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-records" -d 'List the records of a zone'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "import-zone" -d 'Take the records of a master file for a zone'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "export-zone" -d 'Print a zone as a master file'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "check-zone" -d 'Look for what is doubtful in zones'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-cron" -d 'Add a cron job, placed by capacity or where you say'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-cron" -d 'Change settings of a cron job: only those given'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-crons" -d 'List the crons, and where they are'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-cron" -d 'Show settings, place and status of a cron job'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "suspend-cron" -d 'Switch a cron job off, kept as it is to be resumed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "resume-cron" -d 'Switch a cron job on again after it was suspended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-cron" -d 'Remove a cron job; what it holds goes to the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "run-cron" -d 'Run a cron job now and show its output'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-runs" -d 'List the runs of a cron job and how they ended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-run" -d 'Show what a run of a cron job printed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-database" -d 'Add a database, placed by capacity or where you say'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-database" -d 'Change settings of a database: only those given'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-databases" -d 'List the databases, and where they are'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-database" -d 'Show settings, place and status of a database'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "suspend-database" -d 'Switch a database off, kept as it is to be resumed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "resume-database" -d 'Switch a database on again after it was suspended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-database" -d 'Remove a database; what it holds goes to the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-database-user" -d 'Add a user to a database'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-database-user" -d 'Change what a user of a database may do, and where from'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-database-user" -d 'Remove a user of a database'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "rotate-password" -d 'Give a user of a database another password'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "dump-database" -d 'Carry a database away as SQL, to a file or stdout'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "import-database" -d 'Fill a database from a dump'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-rule" -d 'Add a rule'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "set-rule" -d 'Change settings of a rule: only those given'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-rule" -d 'Show settings, place and status of a rule'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "suspend-rule" -d 'Switch a rule off, kept as it is to be resumed'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "resume-rule" -d 'Switch a rule on again after it was suspended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-rule" -d 'Remove a rule; what it holds goes to the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "enable-firewall" -d 'Keep out what no rule lets in'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "disable-firewall" -d 'Take the firewall away; its rules stay recorded'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "move-rule" -d 'Move a rule: the first that matches decides'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "ban-address" -d 'Keep an address out of every server with the firewall'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "unban-address" -d 'Let a banned address in again'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-bans" -d 'List the banned addresses'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-rules" -d 'List the rules in order; those that never decide are marked'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "add-addresses" -d 'Add addresses to a set, for `--from set:NAME`'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "remove-addresses" -d 'Take addresses out of a set'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-addresses" -d 'List the sets of addresses'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "place" -d 'Explain where a new resource would go, and why not elsewhere'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "plan" -d 'Show what `fleet apply` would change, and change nothing'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "apply" -d 'Make the servers as they should be'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "retry" -d 'Do the servers again that a task did not finish'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "status" -d 'Show the whole fleet on one screen, as last seen'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "report" -d 'Write a page that shows the whole fleet, as last seen'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "health" -d 'Look at all servers at once, and say what is wrong'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-tasks" -d 'List what was done, by whom, and how it ended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-task" -d 'Show what a task did on each server'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "undo" -d 'Put back what a task changed, with content from the trash'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-trash" -d 'List what was removed and can be put back'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "empty-trash" -d 'Take out for good what has been in the trash for some time'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "rotate-key" -d 'Seal the stored secrets with a new key'
complete -c fleet -n "__fish_fleet_using_subcommand init" -l path -d 'Where to write it [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand init" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand init" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand init" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand init" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand init" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand init" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand init" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand init" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand init" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l address -d 'Host name, IP address, or an alias of ~/.ssh/config' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l port -d 'TCP port of sshd [default: what `ssh_config` says, else 22]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l user -d 'User to log in as [default: what `ssh_config` says, else root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l identity-file -d 'Private key to log in with [default: those of ssh-agent and ~/.ssh]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l jump -d 'Reach it through another server, or `user@host:port`; `none` undoes a default' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l transport -d 'How scripts reach it: `ssh`, or `local` for this machine' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l become -d 'Whether to work as root through `sudo -n`' -r -f -a "true\t''
false\t''"
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l capacity -d 'Units that may be placed on it [default: 50]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l priority -d 'Servers of higher priority are filled first [default: 0]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l region -d 'A word for where it stands' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l label -d 'A label of your own; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l active -d 'Whether it takes resources and is part of sweeps [default: true]' -r -f -a "true\t''
false\t''"
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l ipv4 -d 'Public IPv4 addresses, for DNS' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l ipv6 -d 'Public IPv6 addresses, for DNS' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l role -d 'What it may be used for: `web`, `dns`, `database`, or `none` [default: all]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l fingerprint -d 'Accept this host key (`ssh-keygen -lf` shows it on the server) instead of asking; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l no-connect -d 'Only write the entry; do not connect'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l address -d 'Host name, IP address, or an alias of ~/.ssh/config' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l port -d 'TCP port of sshd [default: what `ssh_config` says, else 22]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l user -d 'User to log in as [default: what `ssh_config` says, else root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l identity-file -d 'Private key to log in with [default: those of ssh-agent and ~/.ssh]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l jump -d 'Reach it through another server, or `user@host:port`; `none` undoes a default' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l transport -d 'How scripts reach it: `ssh`, or `local` for this machine' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l become -d 'Whether to work as root through `sudo -n`' -r -f -a "true\t''
false\t''"
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l capacity -d 'Units that may be placed on it [default: 50]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l priority -d 'Servers of higher priority are filled first [default: 0]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l region -d 'A word for where it stands' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l label -d 'A label of your own; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l active -d 'Whether it takes resources and is part of sweeps [default: true]' -r -f -a "true\t''
false\t''"
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l ipv4 -d 'Public IPv4 addresses, for DNS' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l ipv6 -d 'Public IPv6 addresses, for DNS' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l role -d 'What it may be used for: `web`, `dns`, `database`, or `none` [default: all]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l unset -d 'Take a setting out, so that the default holds again; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l forget -d 'Although it holds resources: forget that they are there, for a server that is gone for good'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l server -d 'The same, for those who are used to it from other commands' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-servers" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l reason -d 'Why, for those who wonder later' -r
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand cordon" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand uncordon" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand run" -l server -d 'Only these servers: `sg-1,jkt-*,region=singapore,!sg-3` [default: all active ones]' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l script -d 'Run a shell script from a file instead; `-` is standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run" -l output-dir -d 'Write what each server printed to `DIR/SERVER.out` and `DIR/SERVER.err` too' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run" -l timeout -d 'How long it may take on a server [default: as long as it wants]' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l parallel -d 'Servers at the same time [default: the inventory\'s, else 32]' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand run" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand run" -l diff -d 'Show what most servers printed, and how the others differ from it'
complete -c fleet -n "__fish_fleet_using_subcommand run" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand run" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand run" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand run" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand run" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand run" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand run" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l role -d 'What to set it up for; may be repeated [default: its roles in the inventory]' -r -f -a "web\t''
dns\t''
database\t''"
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l dry-run -d 'Only show what would be done'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l server -d 'This server, instead of the one with the most room' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l region -d 'Only a server of this region' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l label -d 'Only a server with this label; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l type -d 'What serves it [default: proxy with --upstream, php with --php, else static]' -r -f -a "static\t'Files'
php\t'PHP, with a pool of processes of its own'
proxy\t'Another server behind this one'"
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l alias -d 'Another name it answers to; `*.example.com` for every name below; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l canonical -d 'The one name it is served under; its other names redirect there' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l root -d 'The directory that is served, below the site\'s home [default: public]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l index -d 'A file that stands for its directory, best first; may be repeated [default: index.html; with PHP index.php first]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l error-page -d 'Page for a status: `404=/404.html` or `500,502=/sorry.html`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l cache -d 'Let browsers keep styles, scripts, images and fonts for this long: `30d`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l header -d 'A header for every answer: `X-Frame-Options: DENY`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l redirect -d 'Redirect the whole site; a URL without a path keeps the path that was asked for' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l redirect-code -d 'Status of the redirect: 301, 302, 307 or 308 [default: 301]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l redirect-path -d 'Redirect one path: `/old=/new` or `/old=https://example.org/,302`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l max-body -d 'Largest request body [default: 64M]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l allow -d 'Only these addresses or networks may come in; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l deny -d 'These addresses or networks may not come in, whatever --allow says; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l rate-limit -d 'Requests per address: `10r/s` or `30r/m`, with `,burst=N` of slack [default burst: the rate]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l auth-user -d 'Ask for a password; this user may come in; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l auth-password-file -d 'Take the passwords from a file, one line for each --auth-user; `-` is standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l upstream -d 'Where requests go: `127.0.0.1:3000[,weight=2]`, `https://HOST`, `unix:/run/app.sock`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l upstream-host -d 'Host name that the upstream is asked for [default: the one the visitor asked for]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l proxy-timeout -d 'How long the upstream may be silent [default: 60s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php -d 'PHP version [default: the newest on the server]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-memory -d 'Memory of one request [default: 256M]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-upload -d 'Largest uploaded file [default: as --max-body]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-children -d 'Requests at the same time [default: 5]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-timeout -d 'Time of one request [default: 60s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-ini -d 'A setting of php.ini: `max_input_vars=5000`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l php-deny -d 'Run no scripts below this path, where visitors upload files: `/uploads`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l tls-certificate -d 'Certificate and the chain after it, in PEM' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l tls-key -d 'Private key of the certificate, in PEM, without a passphrase' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l hsts -d 'Make browsers insist on https for this long: `180d[,subdomains][,preload]`, or `off` [default: off]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l log-days -d 'Days to keep logs [default: 14]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l snippet -d 'nginx directives for the site\'s server block; tested before they are live' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l health-path -d 'Path that is requested after each change to see that the site answers [default: /]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l health-status -d 'Statuses that count as well [default: 200-499]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l dns -d 'Add records for its names to the zones of the fleet; they follow it to other servers'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l www -d 'Answer to `www.DOMAIN` too [default: when DOMAIN is a registrable name such as example.com]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-www -d 'Do not answer to `www.DOMAIN`'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l single-page -d 'Answer paths that are no file with the first index file [default: with PHP]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-single-page -d 'Answer paths that are no file with 404'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l gzip -d 'Compress answers [default]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-gzip -d 'Do not compress answers'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l upstream-verify -d 'Check the certificate of an https upstream [default]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-upstream-verify -d 'Do not check the certificate of an https upstream'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l websocket -d 'Let websockets through'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-websocket -d 'Do not let websockets through [default]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l force-https -d 'Redirect http to https [default: with a certificate]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-force-https -d 'Serve http beside https'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l ipv6 -d 'Listen on IPv6 [default: when the server has it]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-ipv6 -d 'Do not listen on IPv6'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l access-log -d 'Write an access log [default]'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-access-log -d 'Write no access log'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-site" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l unset -d 'Take a setting back to its default: the name of its flag, without dashes' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l remove-auth-user -d 'Let this user in no more; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l type -d 'What serves it [default: proxy with --upstream, php with --php, else static]' -r -f -a "static\t'Files'
php\t'PHP, with a pool of processes of its own'
proxy\t'Another server behind this one'"
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l alias -d 'Another name it answers to; `*.example.com` for every name below; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l canonical -d 'The one name it is served under; its other names redirect there' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l root -d 'The directory that is served, below the site\'s home [default: public]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l index -d 'A file that stands for its directory, best first; may be repeated [default: index.html; with PHP index.php first]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l error-page -d 'Page for a status: `404=/404.html` or `500,502=/sorry.html`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l cache -d 'Let browsers keep styles, scripts, images and fonts for this long: `30d`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l header -d 'A header for every answer: `X-Frame-Options: DENY`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l redirect -d 'Redirect the whole site; a URL without a path keeps the path that was asked for' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l redirect-code -d 'Status of the redirect: 301, 302, 307 or 308 [default: 301]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l redirect-path -d 'Redirect one path: `/old=/new` or `/old=https://example.org/,302`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l max-body -d 'Largest request body [default: 64M]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l allow -d 'Only these addresses or networks may come in; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l deny -d 'These addresses or networks may not come in, whatever --allow says; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l rate-limit -d 'Requests per address: `10r/s` or `30r/m`, with `,burst=N` of slack [default burst: the rate]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l auth-user -d 'Ask for a password; this user may come in; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l auth-password-file -d 'Take the passwords from a file, one line for each --auth-user; `-` is standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l upstream -d 'Where requests go: `127.0.0.1:3000[,weight=2]`, `https://HOST`, `unix:/run/app.sock`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l upstream-host -d 'Host name that the upstream is asked for [default: the one the visitor asked for]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l proxy-timeout -d 'How long the upstream may be silent [default: 60s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php -d 'PHP version [default: the newest on the server]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-memory -d 'Memory of one request [default: 256M]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-upload -d 'Largest uploaded file [default: as --max-body]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-children -d 'Requests at the same time [default: 5]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-timeout -d 'Time of one request [default: 60s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-ini -d 'A setting of php.ini: `max_input_vars=5000`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l php-deny -d 'Run no scripts below this path, where visitors upload files: `/uploads`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l tls-certificate -d 'Certificate and the chain after it, in PEM' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l tls-key -d 'Private key of the certificate, in PEM, without a passphrase' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l hsts -d 'Make browsers insist on https for this long: `180d[,subdomains][,preload]`, or `off` [default: off]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l log-days -d 'Days to keep logs [default: 14]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l snippet -d 'nginx directives for the site\'s server block; tested before they are live' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l health-path -d 'Path that is requested after each change to see that the site answers [default: /]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l health-status -d 'Statuses that count as well [default: 200-499]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l www -d 'Answer to `www.DOMAIN` too [default: when DOMAIN is a registrable name such as example.com]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-www -d 'Do not answer to `www.DOMAIN`'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l single-page -d 'Answer paths that are no file with the first index file [default: with PHP]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-single-page -d 'Answer paths that are no file with 404'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l gzip -d 'Compress answers [default]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-gzip -d 'Do not compress answers'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l upstream-verify -d 'Check the certificate of an https upstream [default]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-upstream-verify -d 'Do not check the certificate of an https upstream'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l websocket -d 'Let websockets through'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-websocket -d 'Do not let websockets through [default]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l force-https -d 'Redirect http to https [default: with a certificate]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-force-https -d 'Serve http beside https'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l ipv6 -d 'Listen on IPv6 [default: when the server has it]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-ipv6 -d 'Do not listen on IPv6'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l access-log -d 'Write an access log [default]'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-access-log -d 'Write no access log'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-site" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l server -d 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l pending -d 'Only those that a server has not followed yet'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-site" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand resume-site" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l cascade -d 'Take along what depends on it, which is named otherwise'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-site" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l server -d 'This server, instead of the one with the most room' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l region -d 'Only a server of this region' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l label -d 'Only a server with this label; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l secondary -d 'Another server that serves it, with the records transferred from the first; may be repeated or separated by commas' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l secondaries -d 'So many more such servers, chosen by room' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l ns -d 'Name of a name server of the zone; may be repeated or separated by commas [default: ns1, ns2, ... in the zone, with the addresses of its servers]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l mname -d 'Name of the primary name server in the SOA [default: the first of the name servers]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l dnssec -d 'Sign the zone (DNSSEC); `show-zone --ds` prints what the parent zone needs [default: off]' -r -f -a "on\t'On'
off\t'Off'"
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l transfer-key -d 'Which key secures the transfers between the servers, counted from 1; a higher number makes a new one, and the one before stays valid until the next' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l email -d 'Mail address of whoever answers for the zone [default: hostmaster@ZONE]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l ttl -d 'Seconds that others may keep a record that has no time to live of its own [default: 1h]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l negative-ttl -d 'Seconds that others may keep that something is not there [default: 5m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l refresh -d 'How often secondaries ask for changes, if no notice reaches them [default: 1h]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l retry -d 'After what time they ask again, if the primary does not answer [default: 10m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l expire -d 'After what time without an answer they stop to serve the zone [default: 2w]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l template -d 'Begin with the records of a template: none, default, mail, google, microsoft365, or a file [default: default with --address, else none]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l address -d 'Address in the template\'s records: IPv4, IPv6, or `site:DOMAIN` for those of the site\'s server; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l file -d 'Begin with the records of a master file (RFC 1035); `-` reads standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-zone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l unset -d 'Take a setting back to its default: the name of its flag, without dashes' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l secondary -d 'Another server that serves it, with the records transferred from the first; may be repeated or separated by commas' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l secondaries -d 'So many more such servers, chosen by room' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l ns -d 'Name of a name server of the zone; may be repeated or separated by commas [default: ns1, ns2, ... in the zone, with the addresses of its servers]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l mname -d 'Name of the primary name server in the SOA [default: the first of the name servers]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l dnssec -d 'Sign the zone (DNSSEC); `show-zone --ds` prints what the parent zone needs [default: off]' -r -f -a "on\t'On'
off\t'Off'"
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l transfer-key -d 'Which key secures the transfers between the servers, counted from 1; a higher number makes a new one, and the one before stays valid until the next' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l email -d 'Mail address of whoever answers for the zone [default: hostmaster@ZONE]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l ttl -d 'Seconds that others may keep a record that has no time to live of its own [default: 1h]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l negative-ttl -d 'Seconds that others may keep that something is not there [default: 5m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l refresh -d 'How often secondaries ask for changes, if no notice reaches them [default: 1h]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l retry -d 'After what time they ask again, if the primary does not answer [default: 10m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l expire -d 'After what time without an answer they stop to serve the zone [default: 2w]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l template -d 'Begin with the records of a template: none, default, mail, google, microsoft365, or a file [default: default with --address, else none]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l address -d 'Address in the template\'s records: IPv4, IPv6, or `site:DOMAIN` for those of the site\'s server; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l file -d 'Begin with the records of a master file (RFC 1035); `-` reads standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-zone" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l server -d 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l serials -d 'Ask each name server for the serial that it serves'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l pending -d 'Only those that a server has not followed yet'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-zones" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l ds -d 'Print only the DS records of a signed zone, for its parent zone'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l recorded -d 'Only what is recorded here, without asking the servers'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand resume-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l cascade -d 'Take along what depends on it, which is named otherwise'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l ttl -d 'How long others may keep them: seconds, or such as `1h30m` [default: the zone\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l priority -d 'Priority of each value, of MX, SRV, URI, SVCB and HTTPS; else it is the first word of a value' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-record" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l ttl -d 'How long others may keep them: seconds, or such as `1h30m` [default: the zone\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l priority -d 'Priority of each value, of MX, SRV, URI, SVCB and HTTPS; else it is the first word of a value' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-record" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-record" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l type -d 'Only those of this type' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-records" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l zone -d 'The zone [default: that of the file\'s SOA or $ORIGIN]' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l server -d 'Where a new zone goes, instead of the server with the most room' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l secondary -d 'Other servers of a new zone' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l secondaries -d 'So many more other servers of a new zone' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand import-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l recorded -d 'Without asking the primary for the serial, which is 1 then'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand export-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand check-zone" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l server -d 'This server, instead of the one with the most room' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l region -d 'Only a server of this region' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l label -d 'Only a server with this label; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l schedule -d 'When it runs, in the server\'s time zone: five fields as in crontab(5), or `@hourly`, `@daily`, `@reboot`, ...' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l command -d 'What the shell runs, as typed: `%`, quotes and newlines mean nothing but to the shell' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l command-file -d 'The same from a file; `-` is standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l site -d 'Runs where this site is, as the site\'s user, and moves and goes with it' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l on -d 'Runs on every server of this selector, also on those added later: `region=singapore`, `\'*\'`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l user -d 'Whom it runs as [default: the site\'s user, else root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l directory -d 'Where it runs: a path, or one below the user\'s home [default: the home]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l env -d 'A variable of its environment; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l timeout -d 'Ended after this time, with all its processes; `none` for no limit [default: 1d; with @reboot none]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l overlap -d 'What happens when it is still running at its next time [default: forbid]' -r -f -a "allow\t'Both run'
forbid\t'The next one is left out'
replace\t'The one that runs is ended'"
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l random-delay -d 'Starts within this time, at random, so that not all servers do at once' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l retries -d 'Tries this many times again when it fails [default: 0]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l retry-delay -d 'Time between two attempts [default: 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l mail -d 'When its output is sent by mail [default: on-failure]' -r -f -a "always\t'After each run'
on-failure\t'After a run that failed'
never\t'Not at all'"
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l mail-to -d 'Where to: an address or a user of the server [default: root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l keep -d 'Runs of which the output is kept on the server [default: 20]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l once-per-fleet -d 'Runs on one server of --on, and on another one while that is offline'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-cron" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l unset -d 'Take a setting back to its default: the name of its flag, without dashes' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l schedule -d 'When it runs, in the server\'s time zone: five fields as in crontab(5), or `@hourly`, `@daily`, `@reboot`, ...' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l command -d 'What the shell runs, as typed: `%`, quotes and newlines mean nothing but to the shell' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l command-file -d 'The same from a file; `-` is standard input' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l site -d 'Runs where this site is, as the site\'s user, and moves and goes with it' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l on -d 'Runs on every server of this selector, also on those added later: `region=singapore`, `\'*\'`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l user -d 'Whom it runs as [default: the site\'s user, else root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l directory -d 'Where it runs: a path, or one below the user\'s home [default: the home]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l env -d 'A variable of its environment; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l timeout -d 'Ended after this time, with all its processes; `none` for no limit [default: 1d; with @reboot none]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l overlap -d 'What happens when it is still running at its next time [default: forbid]' -r -f -a "allow\t'Both run'
forbid\t'The next one is left out'
replace\t'The one that runs is ended'"
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l random-delay -d 'Starts within this time, at random, so that not all servers do at once' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l retries -d 'Tries this many times again when it fails [default: 0]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l retry-delay -d 'Time between two attempts [default: 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l mail -d 'When its output is sent by mail [default: on-failure]' -r -f -a "always\t'After each run'
on-failure\t'After a run that failed'
never\t'Not at all'"
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l mail-to -d 'Where to: an address or a user of the server [default: root]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l keep -d 'Runs of which the output is kept on the server [default: 20]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l once-per-fleet -d 'Runs on one server of --on, and on another one while that is offline'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-cron" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l server -d 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l recorded -d 'Only what is recorded here, without asking the servers'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l pending -d 'Only those that a server has not followed yet'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-crons" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l recorded -d 'Only what is recorded here, without asking the servers'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-cron" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-cron" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand resume-cron" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l cascade -d 'Take along what depends on it, which is named otherwise'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-cron" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l server -d 'On these of its servers; needed when it is on several' -r
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand run-cron" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l server -d 'Only on these of its servers' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -s n -l limit -d 'How many of each server, counted from the newest' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-runs" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l server -d 'On this of its servers; needed when it is on several' -r
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-run" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l server -d 'This server, instead of the one with the most room' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l region -d 'Only a server of this region' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l label -d 'Only a server with this label; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l engine -d 'What holds it [default: mariadb]' -r -f -a "mariadb\t'MariaDB'
postgres\t'PostgreSQL'"
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l site -d 'The website it belongs to: it goes to the same server' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l charset -d 'Character set of new tables (MariaDB), or encoding (PostgreSQL) [default: utf8mb4, UTF8]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l collation -d 'Collation of new tables (MariaDB), or locale (PostgreSQL) [default: the server\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l schema -d 'A schema beside `public` (PostgreSQL); may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l extension -d 'An extension to have in it (PostgreSQL); may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l user -d 'Name of its first user, who owns all in it [default: that of the database]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l password-file -d 'File with the password, `-` for standard input [default: one is generated and shown once]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l host -d 'Where the user may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated [default: localhost]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l no-user -d 'Make no user yet'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-database" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l unset -d 'Take a setting back to its default: the name of its flag, without dashes' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l weight -d 'Units of capacity it takes [default: the inventory\'s, else its kind\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l engine -d 'What holds it [default: mariadb]' -r -f -a "mariadb\t'MariaDB'
postgres\t'PostgreSQL'"
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l site -d 'The website it belongs to: it goes to the same server' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l charset -d 'Character set of new tables (MariaDB), or encoding (PostgreSQL) [default: utf8mb4, UTF8]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l collation -d 'Collation of new tables (MariaDB), or locale (PostgreSQL) [default: the server\'s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l schema -d 'A schema beside `public` (PostgreSQL); may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l extension -d 'An extension to have in it (PostgreSQL); may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l user -d 'Name of its first user, who owns all in it [default: that of the database]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l password-file -d 'File with the password, `-` for standard input [default: one is generated and shown once]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l host -d 'Where the user may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated [default: localhost]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l no-user -d 'Make no user yet'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-database" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l server -d 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l recorded -d 'Only what is recorded here, without asking the servers'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l pending -d 'Only those that a server has not followed yet'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-databases" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l reveal -d 'Show its secrets too; that they were shown is recorded as a task'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l recorded -d 'Only what is recorded here, without asking the servers'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-database" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-database" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand resume-database" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l cascade -d 'Take along what depends on it, which is named otherwise'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l role -d 'What it may do: `owner`, `read-write` or `read-only`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l host -d 'Where it may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l connections -d 'How many connections it may have at once; 0 for any number' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l expires -d 'When it is kept out: a time from now (`2h`, `30d`), a moment (`2026-12-31T18:00:00Z`), or `never`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l password-file -d 'File with the password, `-` for standard input [default: one is generated and shown once]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l ask-password -d 'Ask for the password at the terminal'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-database-user" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l role -d 'What it may do: `owner`, `read-write` or `read-only`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l host -d 'Where it may come from: `localhost`, an address, a network, `server:SELECTOR`, `any`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l connections -d 'How many connections it may have at once; 0 for any number' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l expires -d 'When it is kept out: a time from now (`2h`, `30d`), a moment (`2026-12-31T18:00:00Z`), or `never`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-database-user" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-database-user" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l password-file -d 'File with the password, `-` for standard input [default: one is generated and shown once]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l ask-password -d 'Ask for the password at the terminal'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-password" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l compress -d 'How it is packed [default: gzip]' -r -f -a "gzip\t'By gzip'
zstd\t'By zstd, where the server has it'
none\t'Not at all'"
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l force -d 'Replace the file if it is there'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand dump-database" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l force -d 'Replace what is in the database; it is saved to the trash of its server first'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand import-database" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l port -d 'Ports that are asked for: `443`, `80,443`, `1000-2000`; may be repeated [default: any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l protocol -d 'tcp, udp, icmp, sctp, esp, ... or a number; may be repeated [default: tcp with --port, else any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l from -d 'An address, a network, `server:SELECTOR`, `set:NAME`, or any; may be repeated [default: any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l to-server -d 'On this server; may be repeated [default: all with a firewall]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l on -d 'On the servers of a selector, also those added later: `role=web`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l rate -d 'Let in so many new connections from one address and drop the rest: `10/minute`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l expires -d 'It ends by itself after this time: `2h`, `7d`' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l comment -d 'What it is for' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l before -d 'Ask it before that rule' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l after -d 'Ask it after that rule [default: after all others]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l allow -d 'Let in what it matches'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l deny -d 'Drop what it matches without a word'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l reject -d 'Drop what it matches and tell the sender'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l log -d 'Have the server log what it matches (10 lines a minute at the most)'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l no-log -d 'Do not log [default]'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l unset -d 'Take a setting back to its default: the name of its flag, without dashes' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l port -d 'Ports that are asked for: `443`, `80,443`, `1000-2000`; may be repeated [default: any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l protocol -d 'tcp, udp, icmp, sctp, esp, ... or a number; may be repeated [default: tcp with --port, else any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l from -d 'An address, a network, `server:SELECTOR`, `set:NAME`, or any; may be repeated [default: any]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l to-server -d 'On this server; may be repeated [default: all with a firewall]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l on -d 'On the servers of a selector, also those added later: `role=web`; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l rate -d 'Let in so many new connections from one address and drop the rest: `10/minute`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l expires -d 'It ends by itself after this time: `2h`, `7d`' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l comment -d 'What it is for' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l before -d 'Ask it before that rule' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l after -d 'Ask it after that rule [default: after all others]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l allow -d 'Let in what it matches'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l deny -d 'Drop what it matches without a word'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l reject -d 'Drop what it matches and tell the sender'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l log -d 'Have the server log what it matches (10 lines a minute at the most)'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l no-log -d 'Do not log [default]'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand set-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand suspend-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand resume-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l cascade -d 'Take along what depends on it, which is named otherwise'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l ssh-from -d 'From where SSH stays open, in place of what was recorded: an address, a network, `server:SELECTOR`, or any [default: from where fleet comes, as the servers see it]' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand enable-firewall" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand disable-firewall" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l before -d 'Ask it before that rule' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l after -d 'Ask it after that rule' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l first -d 'Ask it before all others'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l last -d 'Ask it after all others'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand move-rule" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l expires -d 'They may come in again after this time: `2h`, `30d` [default: never]' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l reason -d 'Why' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand ban-address" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand unban-address" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-bans" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l server -d 'Only the rules of these servers: `sg-1,role=web`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l counters -d 'Ask the servers how often each rule was hit since the rules were last loaded there'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l existing -d 'Show the tables of others on the servers too'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-rules" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand add-addresses" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l all -d 'The whole set'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand remove-addresses" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-addresses" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand place" -l weight -d 'Units of capacity it takes [default: the inventory\'s weights.KIND, else 1]' -r
complete -c fleet -n "__fish_fleet_using_subcommand place" -l region -d 'Only servers of this region' -r
complete -c fleet -n "__fish_fleet_using_subcommand place" -l label -d 'Only servers with this label; may be repeated' -r
complete -c fleet -n "__fish_fleet_using_subcommand place" -l server -d 'This server and no other' -r
complete -c fleet -n "__fish_fleet_using_subcommand place" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand place" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand place" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand place" -l force -d 'With --server: although it is full, cordoned or unhealthy'
complete -c fleet -n "__fish_fleet_using_subcommand place" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand place" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l server -d 'Only these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l diff -d 'Show the changes of files line by line'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l detailed-exitcode -d 'Exit with 6 when there are changes'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand plan" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l server -d 'Only these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l parallel -d 'Servers at the same time [default: the inventory\'s, else 32]' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l require-all -d 'Change nothing anywhere unless every server can be changed'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand apply" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand retry" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand status" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand status" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand status" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand status" -l check -d 'Exit with 5 when a server or a check is not well, with 6 when something is still to be done or has drifted'
complete -c fleet -n "__fish_fleet_using_subcommand status" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand status" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand status" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand status" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand status" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand status" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand report" -l html -d 'Write the page to this file, as a whole or not at all; `-` is stdout' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand report" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand report" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand report" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand report" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand report" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand report" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand report" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand report" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand report" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand health" -l server -d 'Only these servers: `sg-1,jkt-*,region=singapore,label:tier=gold,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand health" -l timeout -d 'How long the look at one server may take [default: `health_timeout` of the inventory, else 10s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand health" -l watch -d 'Look again and again, every so many seconds [default: 10], until Ctrl-C; without a terminal, print a line for each change' -r
complete -c fleet -n "__fish_fleet_using_subcommand health" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand health" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand health" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand health" -l history -d 'Look at nothing, but show uptime over 1, 7 and 30 days, and the changes of status'
complete -c fleet -n "__fish_fleet_using_subcommand health" -l apply-pending -d 'Finish what waited for a server that is reached again, as `apply` does'
complete -c fleet -n "__fish_fleet_using_subcommand health" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand health" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s n -l limit -d 'How many, counted from the newest' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l lock-wait -d 'How long to wait for another fleet at work on a server [default: the inventory\'s, else 1m]' -r
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l confirm-timeout -d 'How long new firewall rules wait for a new connection before the old ones come back, 5s to 10m' -r
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l waves -d 'Some servers at a time, each wave only when the one before is well: `1,10%,100%`, the last size again and again; a selector is a wave of canaries [default: the inventory\'s, else all at once]' -r
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l max-failures -d 'Begin no further server when more than these have failed, or are not well after their wave [default: 0 in waves]' -r
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l wave-pause -d 'How long to wait after a wave before it is looked at' -r
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l dry-run -d 'Show what would change, with diffs, and change nothing'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l force -d 'Replace files that fleet did not write or that were edited since'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l adopt -d 'Take over such files as they are'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l away-fails -d 'Count servers that are away or locked as failed'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l stage -d 'Record it only; `fleet apply` carries it out'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand undo" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -s s -l server -d 'Only on these servers: names, patterns, region=..., role=..., label:KEY=VALUE, !NAME' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-trash" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l older-than -d 'What has lain there for longer than this [default: the inventory\'s `trash_retention`, else 30d]' -r
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -s s -l server -d 'Only on these servers: names, patterns, region=..., role=..., label:KEY=VALUE, !NAME' -r
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand empty-trash" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l to -d 'Where the new key comes from: a new one in the key `file`, the first that the key `command` prints, or a `passphrase` [default: where the key comes from now]' -r -f -a "file\t''
command\t''
passphrase\t''"
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l forget-old-keys -d 'Take older keys out of the key file: what was sealed with them elsewhere (backups of the state database) is lost'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -s v -l verbose -d 'Print each change that was made, and servers without any; twice: each step as it is taken'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand rotate-key" -s h -l help -d 'Print help'
