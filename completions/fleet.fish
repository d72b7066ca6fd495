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
complete -c fleet -n "__fish_fleet_needs_command" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_needs_command" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_needs_command" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_needs_command" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_needs_command" -s V -l version -d 'Print version'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "setup-server" -d 'Install and start what a role needs on a bare server'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-sites" -d 'List the sites, and where they are'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-site" -d 'Show the settings of a website, where it is, and its status'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "place" -d 'Explain where a new resource would go, and why not elsewhere'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "health" -d 'Look at all servers at once, and say what is the matter with them'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "list-tasks" -d 'List what was done, by whom, and how it ended'
complete -c fleet -n "__fish_fleet_needs_command" -f -a "show-task" -d 'Show what a task did on each server'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l role -d 'What to set it up for; may be repeated [default: its roles in the inventory]' -r -f -a "web\t''"
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l dry-run -d 'Only show what would be done'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand setup-server" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l server -d 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l pending -d 'Only those that a server has not followed yet'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-sites" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-site" -s h -l help -d 'Print help'
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
complete -c fleet -n "__fish_fleet_using_subcommand place" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand place" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand place" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand health" -l server -d 'Only these servers: `sg-1,jkt-*,region=singapore,label:tier=gold,!sg-3`' -r
complete -c fleet -n "__fish_fleet_using_subcommand health" -l timeout -d 'How long the look at one server may take [default: `health_timeout` of the inventory, else 10s]' -r
complete -c fleet -n "__fish_fleet_using_subcommand health" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand health" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand health" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand health" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand health" -s v -l verbose -d 'Print more detail'
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
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand list-tasks" -s h -l help -d 'Print help'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l inventory -d 'Inventory of servers [default: ./inventory.toml]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l state -d 'State database [default: in the user\'s data directory]' -r -F
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l output -d 'Print text (`table`) or one JSON object (`json`)' -r -f -a "table\t'Text and tables'
json\t'One JSON object'"
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l json -d 'Short for `--output json`'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s q -l quiet -d 'Print only errors and the data asked for'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s v -l verbose -d 'Print more detail'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -l no-color -d 'No colours'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s y -l yes -d 'Answer every question with yes'
complete -c fleet -n "__fish_fleet_using_subcommand show-task" -s h -l help -d 'Print help'
