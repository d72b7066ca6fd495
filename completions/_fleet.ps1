
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'fleet' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'fleet'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'fleet' {
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('setup-server', 'setup-server', [CompletionResultType]::ParameterValue, 'Install and start what a role needs on a bare server')
            [CompletionResult]::new('list-sites', 'list-sites', [CompletionResultType]::ParameterValue, 'List the sites, and where they are')
            [CompletionResult]::new('show-site', 'show-site', [CompletionResultType]::ParameterValue, 'Show the settings of a website, where it is, and its status')
            [CompletionResult]::new('place', 'place', [CompletionResultType]::ParameterValue, 'Explain where a new resource would go, and why not elsewhere')
            [CompletionResult]::new('health', 'health', [CompletionResultType]::ParameterValue, 'Look at all servers at once, and say what is the matter with them')
            [CompletionResult]::new('list-tasks', 'list-tasks', [CompletionResultType]::ParameterValue, 'List what was done, by whom, and how it ended')
            [CompletionResult]::new('show-task', 'show-task', [CompletionResultType]::ParameterValue, 'Show what a task did on each server')
            break
        }
        'fleet;setup-server' {
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'What to set it up for; may be repeated [default: its roles in the inventory]')
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Only show what would be done')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;list-sites' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Only those on these servers: `sg-1,jkt-*,region=singapore,!sg-3`')
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--pending', '--pending', [CompletionResultType]::ParameterName, 'Only those that a server has not followed yet')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;show-site' {
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;place' {
            [CompletionResult]::new('--weight', '--weight', [CompletionResultType]::ParameterName, 'Units of capacity it takes [default: the inventory''s weights.KIND, else 1]')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Only servers of this region')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Only servers with this label; may be repeated')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'This server and no other')
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'With --server: although it is full, cordoned or unhealthy')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;health' {
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Only these servers: `sg-1,jkt-*,region=singapore,label:tier=gold,!sg-3`')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long the look at one server may take [default: `health_timeout` of the inventory, else 10s]')
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;list-tasks' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'How many, counted from the newest')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'How many, counted from the newest')
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'fleet;show-task' {
            [CompletionResult]::new('--inventory', '--inventory', [CompletionResultType]::ParameterName, 'Inventory of servers [default: ./inventory.toml]')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'State database [default: in the user''s data directory]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Print text (`table`) or one JSON object (`json`)')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for `--output json`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print only errors and the data asked for')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print more detail')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'No colours')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
