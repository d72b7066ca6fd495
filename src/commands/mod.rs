//! Commands: one file each. This file holds the list; help, completion, man pages and dispatch come from it.

use clap::{ArgMatches, Args, Command};

use crate::context::{Context, Globals};
pub use crate::diagnostic::Ending;
use crate::kind::{KINDS, Kind};

mod agree;
mod ask;
mod candidates;
mod carry_out;
mod change;
mod checking;
mod database_user;
mod dependants;
mod edit;
mod firewall;
mod flags;
mod foreign;
mod host_key;
mod jobs;
mod letting_in;
mod look;
mod notifying;
mod nowhere;
mod only;
mod outcome;
mod outlook;
mod placing;
mod plan_file;
mod point;
mod prometheus;
mod replace_file;
mod rolled;
mod rollout;
mod rows;
mod run_output;
mod selection;
mod server_settings;
mod trash;

/// A command with its arguments.
#[derive(Debug)]
pub struct Call {
    /// The name of the command: `add-site`.
    pub name: String,
    /// The flags of every command.
    pub globals: Globals,
    /// The arguments of this one.
    pub matches: ArgMatches,
}

/// A line that can be typed, and what it does (or nothing).
pub type Example = (&'static str, &'static str);

/// What an author of a command writes. The implementing struct holds its arguments, and its doc comment, where that has
/// more to say than [`Verb::ABOUT`], is the description in the help and in the man page.
pub trait Verb: Args {
    /// What is typed: `list-servers`.
    const NAME: &'static str;
    /// One line for the help, without a full stop: "List the servers and what they hold".
    const ABOUT: &'static str;
    /// Under which heading it stands in the help.
    const GROUP: Group;
    /// Examples for its help.
    const EXAMPLES: &'static [Example];

    /// Does it.
    fn run(self, context: &Context) -> anyhow::Result<Ending>;
}

/// What an author of a command that exists for every kind writes (`add-site`, `add-zone`, ...).
pub trait KindVerb {
    /// What is typed for `kind`: `add-site`.
    fn name(kind: &'static Kind) -> String;
    /// One line for the help, without a full stop: "Add a website, on the server with the most room".
    fn about(kind: &'static Kind) -> String;
    /// Adds its arguments to `command`.
    fn arguments(kind: &'static Kind, command: Command) -> Command;
    /// Examples for its help.
    fn examples(kind: &'static Kind) -> Vec<(String, String)>;
    /// Does it.
    fn run(context: &Context, kind: &'static Kind, matches: &ArgMatches) -> anyhow::Result<Ending>;
}

/// The subjects of the help, in its order. The commands of a kind stand between `Servers` and `Apply`, under the
/// kind's own heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The inventory.
    Servers,
    /// Plan and apply.
    Apply,
    /// Health.
    Health,
    /// The record of what was done, and taking it back.
    Tasks,
    /// What is sealed in the state database.
    Secrets,
    /// This machine: what fleet needs here.
    Setup,
    /// Those of a kind, by its word: `zone`.
    Of(&'static str),
}

impl Group {
    fn heading(self) -> String {
        match self {
            Self::Servers => "Servers".to_owned(),
            Self::Apply => "Plan and apply".to_owned(),
            Self::Health => "Health".to_owned(),
            Self::Tasks => "Tasks".to_owned(),
            Self::Secrets => "Secrets".to_owned(),
            Self::Setup => "Set-up".to_owned(),
            Self::Of(word) => {
                let kind = crate::kind::kind(word);
                capitalised(kind.map_or(word, |kind| kind.plural))
            }
        }
    }
}

/// A command of the list.
pub struct Entry {
    /// The heading it stands under.
    pub group: String,
    /// The parser.
    pub command: Command,
    /// What it does, paragraph by paragraph; nothing where its one line says it all.
    pub description: Vec<String>,
    /// Examples: what to type, and what it does.
    pub examples: Vec<(String, String)>,
    run: Runner,
}

enum Runner {
    One(fn(&Context, &ArgMatches) -> anyhow::Result<Ending>),
    Kind(
        &'static Kind,
        fn(&Context, &'static Kind, &ArgMatches) -> anyhow::Result<Ending>,
    ),
}

fn one<V: Verb>() -> Entry {
    let own = |(line, meaning): &Example| ((*line).to_owned(), (*meaning).to_owned());
    let command = V::augment_args(Command::new(V::NAME));
    Entry {
        group: V::GROUP.heading(),
        description: description(&command),
        command: command.about(V::ABOUT).long_about(None),
        examples: V::EXAMPLES.iter().map(own).collect(),
        run: Runner::One(|context, matches| V::from_arg_matches(matches)?.run(context)),
    }
}

/// What the doc comment of a command's arguments says, unless it is one short sentence.
fn description(command: &Command) -> Vec<String> {
    const SHORT: usize = 80;
    let told = command.get_long_about().or_else(|| command.get_about());
    let told = told.map(ToString::to_string).unwrap_or_default();
    if told.chars().count() <= SHORT {
        return Vec::new();
    }
    // clap takes the last full stop of a single paragraph away.
    let whole = |text: &str| format!("{}.", text.trim().trim_end_matches('.'));
    told.split("\n\n").map(whole).collect()
}

fn of_kind<V: KindVerb>(kind: &'static Kind) -> Entry {
    Entry {
        group: capitalised(kind.plural),
        command: V::arguments(kind, Command::new(V::name(kind)))
            .about(V::about(kind))
            .long_about(None),
        description: Vec::new(),
        examples: V::examples(kind),
        run: Runner::Kind(kind, V::run),
    }
}

macro_rules! registry {
    (
        of_every_kind: [$($kind_file:ident::$kind_verb:ident),* $(,)?]
        others: [$($file:ident::$verb:ident),* $(,)?]
    ) => {
        $(pub mod $kind_file;)*
        $(pub mod $file;)*

        /// Every command, in the order of the help.
        pub fn all() -> Vec<Entry> {
            let mut all: Vec<Entry> = vec![$(one::<$file::$verb>(),)*];
            for kind in &KINDS {
                let own = [$(of_kind::<$kind_file::$kind_verb>(kind),)*].into_iter();
                all.extend(own.filter(|entry| !kind.without.contains(&entry.command.get_name())));
            }
            all.sort_by_key(Entry::rank);
            all
        }
    };
}

// A new command is a file here and a word in this list; the order is that of the help within a heading.
registry! {
    of_every_kind: [
        add::Add,
        set::Set,
        list::List,
        show::Show,
        suspend::Suspend,
        resume::Resume,
        remove::Remove,
    ]
    others: [
        run_cron::RunCron,
        list_runs::ListRuns,
        show_run::ShowRun,
        init::Init,
        add_server::AddServer,
        setup_server::SetupServer,
        set_server::SetServer,
        remove_server::RemoveServer,
        list_servers::ListServers,
        show_server::ShowServer,
        cordon::Cordon,
        uncordon::Uncordon,
        run::Run,
        copy::Copy,
        add_record::AddRecord,
        set_record::SetRecord,
        remove_record::RemoveRecord,
        list_records::ListRecords,
        import_zone::ImportZone,
        export_zone::ExportZone,
        check_zone::CheckZone,
        place::Place,
        plan::Plan,
        apply::Apply,
        retry::Retry,
        list_tasks::ListTasks,
        show_task::ShowTask,
        undo::Undo,
        list_trash::ListTrash,
        empty_trash::EmptyTrash,
        list_locks::ListLocks,
        break_lock::BreakLock,
        list_backups::ListBackups,
        restore_backup::RestoreBackup,
        rotate_key::RotateKey,
        add_database_user::AddDatabaseUser,
        set_database_user::SetDatabaseUser,
        remove_database_user::RemoveDatabaseUser,
        rotate_password::RotatePassword,
        dump_database::DumpDatabase,
        import_database::ImportDatabase,
        enable_firewall::EnableFirewall,
        disable_firewall::DisableFirewall,
        move_rule::MoveRule,
        ban_address::BanAddress,
        unban_address::UnbanAddress,
        list_bans::ListBans,
        list_rules::ListRules,
        add_addresses::AddAddresses,
        remove_addresses::RemoveAddresses,
        list_addresses::ListAddresses,
        health::Health,
        status::Status,
        report::Report,
        logs::Logs,
        maintenance::Maintenance,
        list_notifications::ListNotifications,
        test_notification::TestNotification,
        doctor::Doctor,
        complete::Complete,
        completions::Completions,
    ]
}

impl Entry {
    /// Where it stands in the help: by its heading, and there first what every kind has; the sort by it is stable.
    fn rank(&self) -> (usize, bool) {
        (self.heading_rank(), matches!(self.run, Runner::One(_)))
    }

    fn heading_rank(&self) -> usize {
        let before = [Group::Servers.heading()];
        let after = [
            Group::Apply,
            Group::Health,
            Group::Tasks,
            Group::Secrets,
            Group::Setup,
        ]
        .map(Group::heading);
        if let Some(rank) = before.iter().position(|h| *h == self.group) {
            rank
        } else if let Some(rank) = after.iter().position(|h| *h == self.group) {
            before.len() + KINDS.len() + rank
        } else {
            let kind = KINDS
                .iter()
                .position(|k| capitalised(k.plural) == self.group);
            before.len() + kind.unwrap_or_default()
        }
    }
}

/// Runs the command of `call`.
pub fn run(context: &Context, call: &Call) -> anyhow::Result<Ending> {
    let entry = all()
        .into_iter()
        .find(|entry| entry.command.get_name() == call.name)
        .ok_or_else(|| anyhow::anyhow!("there is no command `{}`", call.name))?;
    match entry.run {
        Runner::One(run) => run(context, &call.matches),
        Runner::Kind(kind, run) => run(context, kind, &call.matches),
    }
}

/// The name in the kind's example: `example.com` of `fleet add-site example.com --server sg-1`.
fn example_name(kind: &Kind) -> &'static str {
    kind.example
        .split_whitespace()
        .nth(2)
        .unwrap_or(kind.name_word)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
