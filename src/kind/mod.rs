//! Kinds of resources. One file each: the spec is the CLI flags, the stored JSON and the source of the items.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{ArgMatches, Args, Command};
use jiff::{Timestamp, Zoned};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::Invalid;
use crate::item::ruleset::Served;
use crate::item::{Applied, Item, Key};
use crate::model::health::ServerFacts;
use crate::model::{Placement, ResourceName, Role, Server};
use crate::shell::{Script, Secret};

pub mod cron;
pub mod database;
pub mod firewall;
mod reason;
pub mod rule;
mod scope;
pub mod site;
mod told;
pub mod wanted;
pub mod zone;

pub use scope::{Fleet, Scope, Ties};
pub use told::{Heard, Lacking, Live, Summary, Told, Words};
use wanted::Wanted;

/// Stands for a sealed secret in a spec: `sec_` and the keyed hash of the secret, so that equal secrets compare
/// equal and the stored spec reveals nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretId(pub String);

/// A secret in whose place a server has another one, which was taken over as it is and is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// What it is: `password of shop`.
    pub what: String,
    /// What stands for the one that fleet would give.
    pub id: SecretId,
    /// What to do about it.
    pub hint: String,
}

/// The outside world as a spec may use it while it is made from arguments: files to read, passwords to ask for,
/// secrets to seal. Implemented by `context`; behind this edge the core is pure.
pub trait Edge {
    /// The text of a file named in an argument; `-` is standard input.
    fn read_file(&mut self, path: &Path) -> Result<String, String>;
    /// The same of one with a secret in it: it is warned of when others on this machine can read it too.
    fn read_secret_file(&mut self, path: &Path) -> Result<String, String> {
        self.read_file(path)
    }
    /// Says what stands in nobody's way and is worth knowing all the same, and what to do about it.
    fn warn(&mut self, message: String, hint: String) {
        let _ = (message, hint);
    }
    /// Asks for a password at the terminal; an error without one.
    fn ask_password(&mut self, prompt: &str) -> Result<Secret, String>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Bytes that follow from `secret` and `purpose` and that only this installation can compute (a keyed hash):
    /// a salt that is the same when the same password is given again, so that the specs compare equal.
    fn derive(&mut self, secret: &Secret, purpose: &str) -> Result<[u8; 32], String>;
    /// Whether the spec is that of a new resource; else some settings of one that exists are changed.
    fn is_new(&self) -> bool;
    /// A password that nobody can guess: letters and digits.
    fn generate(&mut self) -> Result<Secret, String>;
    /// Has a secret that was sealed as `id` shown once, when a resource with it is recorded: `what` it is.
    fn tell(&mut self, what: String, id: SecretId, secret: Secret);
    /// Stores a secret sealed and returns what stands for it.
    fn seal(&mut self, secret: Secret) -> Result<SecretId, String>;
    /// The resources of a kind that exist, by name and stored spec: for what is said in relation to another.
    fn others(&mut self, kind: &str) -> Result<Vec<(String, Value)>, String> {
        let _ = kind;
        Ok(Vec::new())
    }
}

/// Opens sealed secrets while specs compile to items.
pub trait Secrets {
    /// The secret behind `id`.
    fn open(&self, id: &SecretId) -> Result<Secret, String>;

    /// The same, unless somebody would have to be asked for the key first.
    fn open_at_hand(&self, id: &SecretId) -> Result<Secret, String> {
        self.open(id)
    }
}

/// What a spec is compiled for.
#[derive(Clone, Copy)]
pub struct Compile<'a> {
    /// The resource's name.
    pub name: &'a str,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Grows by one with every change of what should be.
    pub generation: i64,
    /// Where it is placed, the first server first; what is being taken away is not among them.
    pub placements: &'a [Placement],
    /// The server to compile for, one of these.
    pub server: &'a Server,
    /// What was last seen of that server; `None` when it was never reached.
    pub facts: Option<&'a ServerFacts>,
    /// Opens sealed secrets.
    pub secrets: &'a dyn Secrets,
    /// The other servers, and the resources that it refers to.
    pub fleet: Fleet<'a>,
}

/// A list among the settings whose entries `set-` changes one by one: what is given is added, or takes the place of the
/// entry with the same key, and `--remove-FLAG` takes one away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries {
    /// The flag that gives entries: `auth-user`.
    pub flag: &'static str,
    /// The stored field.
    pub field: &'static str,
    /// The key of an entry, a text.
    pub key: &'static str,
    /// What removing one does, for the help.
    pub help: &'static str,
}

/// A name that only one resource of the fleet may hold: a host name of a site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What kind of name: `host`.
    pub space: &'static str,
    /// The name.
    pub name: String,
}

/// What an author of a kind writes. The implementing struct is the spec: its fields are the flags of `add-` and
/// `set-` (the clap id of an argument is the field's name in the stored JSON).
pub trait Spec: Args + Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The word of the kind: `site`.
    const KIND: &'static str;
    /// Its plural, for `list-sites`.
    const PLURAL: &'static str;
    /// One line for the help: "a website".
    const ABOUT: &'static str;
    /// The metavariable of the name: `DOMAIN`.
    const NAME: &'static str;
    /// The role a server needs to take one; `None` when any server will do.
    const ROLE: Option<Role>;
    /// Whether it is placed by capacity: `add-` then has flags for where to put it and what it weighs.
    const PLACED: bool = true;
    /// Units of capacity it takes unless the inventory or the admin says otherwise.
    const WEIGHT: u32 = 1;
    /// Whether `show-` reveals its secrets when it is told to.
    const REVEALS: bool = false;
    /// The commands of every kind that this one does not have, or has a file of its own for: `list-rules`.
    const WITHOUT: &'static [&'static str] = &[];
    /// Whether a health sweep looks at its resources.
    const CHECKED: bool = false;
    /// Whether it serves something to whoever comes: [`Self::serves`].
    const SERVES: bool = false;
    /// Whether its claims in the space `host` are names that visitors look up: `add-` then has `--dns`.
    const HOSTS: bool = false;
    /// What only its server knows of it.
    const LIVE: Option<Live> = None;
    /// The headings of what its server tells that are whole numbers, in JSON too. One that begins with `_` is for JSON alone,
    /// where it is without that.
    const NUMBERS: &'static [&'static str] = &[];
    /// A heading of what its server tells that `show-` prints alone with a flag of that name, and what the flag is for.
    const ALONE: Option<(&'static str, &'static str)> = None;
    /// The headings of what its servers tell that must be the same on all of them after a change: they are asked until
    /// it is so, for a few seconds. A heading that begins with `_` is for this alone and never shown.
    const AGREE: &'static [&'static str] = &[];
    /// An example for the help of `add-`.
    const EXAMPLE: &'static str;
    /// Lists that `set-` changes entry by entry; it replaces all others as a whole.
    const ENTRIES: &'static [Entries] = &[];
    /// What is said of one when its servers hold what is wanted.
    const STATE: &'static str = "is in place";

    /// Why its servers have nothing to tell under [`Self::ALONE`] and what to do about it, where that follows from the
    /// settings.
    fn tells_nothing(&self, name: &str) -> Option<Told> {
        let _ = name;
        None
    }

    /// The name as it is stored (lower case, A-labels), or why it cannot be one.
    fn canonical_name(input: &str) -> Result<String, Invalid>;

    /// Turns arguments that point outside (files, prompts) into values. Runs before [`Self::validate`].
    fn absorb(&mut self, name: &str, edge: &mut dyn Edge) -> Result<(), Invalid> {
        let _ = (name, edge);
        Ok(())
    }

    /// The stored fields that the argument `id` sets, when it is not the field of its own name: `set-` changes
    /// only the fields that the arguments given on the command line set.
    fn sets(id: &str) -> &'static [&'static str] {
        let _ = id;
        &[]
    }

    /// Takes over from the settings of a resource that exists what the same arguments would not give again: a password
    /// that was generated, a secret that was sealed under another key.
    fn inherit(&mut self, there: &Self) {
        let _ = there;
    }

    /// Takes back from the settings as they were (`there`) what went along with one that was unset, and others still need.
    fn retain(&mut self, there: &Self) {
        let _ = there;
    }

    /// What its users need to know to reach it on these servers, the first one first, beside its secrets: shown when it is
    /// new, and by `show-`.
    fn directions(&self, name: &str, servers: &[&Server]) -> Vec<(String, String)> {
        let _ = (name, servers);
        Vec::new()
    }

    /// The secrets that `show-` reveals, with what each is.
    fn secrets(&self) -> Vec<(String, SecretId)> {
        Vec::new()
    }

    /// Which of the secrets are others on a server where this is on record of its items.
    fn foreign(&self, name: &str, applied: &BTreeMap<Key, Applied>) -> Vec<Foreign> {
        let _ = (name, applied);
        Vec::new()
    }

    /// Every reason why this spec cannot be, with hints. `now` is for certificates and other things that expire.
    fn validate(&self, name: &str, now: Timestamp) -> Result<(), Invalid>;

    /// On which servers it goes.
    fn scope(&self) -> Scope {
        Scope::One
    }

    /// The resources it refers to: they cannot be removed without it, and when one of them changes, this is planned
    /// and applied with it.
    fn follows(&self, name: &str) -> Vec<ResourceName> {
        let _ = name;
        Vec::new()
    }

    /// The settings without what refers to `gone`, which is removed; `None` when there is no sense in it without, so that
    /// it is removed too.
    fn released(&self, name: &str, gone: &ResourceName) -> Option<Self> {
        let _ = (name, gone);
        None
    }

    /// What a server that has the role lacks all the same to take one with these settings, as it was last seen.
    fn lacks(&self, on: &ServerFacts) -> Option<&'static str> {
        let _ = on;
        None
    }

    /// Names that no other resource may hold.
    fn claims(&self, name: &str) -> Vec<Claim> {
        let _ = name;
        Vec::new()
    }

    /// The items on the server. Pure. An error only for what depends on the server (a PHP version it has not).
    fn items(&self, input: &Compile<'_>) -> Result<Vec<Item>, Invalid>;

    /// Columns of `list-` after the name and before the placement: heading and value.
    fn summary(&self, name: &str) -> Summary;

    /// Settings that `show-` has in other words than those they are stored in: field and words.
    fn worded(&self) -> Vec<(&'static str, Words)> {
        Vec::new()
    }

    /// What the settings amount to at the time of their server, for `add-`, `set-` and `show-`: heading and value.
    fn outlook(&self, now: &Zoned) -> Summary {
        let _ = now;
        Summary::new()
    }

    /// What a health sweep looks at of it; only asked where [`Self::CHECKED`] says so.
    fn wanted(&self, name: &str, suspended: bool) -> Vec<Wanted> {
        let _ = (name, suspended);
        Vec::new()
    }

    /// Where whoever may come asks for what it serves; only asked where [`Self::SERVES`] says so. What it lets somebody in
    /// particular in for is an opening among its items.
    fn serves(&self) -> BTreeSet<Served> {
        BTreeSet::new()
    }

    /// Appends one read-only fragment that asks a server the questions of [`Self::LIVE`] about all of these.
    fn ask(specs: &[(&str, Self)], out: &mut Script) {
        let _ = (specs, out);
    }

    /// Appends one read-only fragment that asks a server for what was changed of these (`touched`, see
    /// [`crate::item::Atom::touched`]) and for some of the rest, so that servers which agree do so in more than a number.
    fn sample(specs: &[(&str, Self, &[String])], out: &mut Script) {
        let _ = (specs, out);
    }

    /// Appends one fragment by which a server that lags behind the first server of these follows it at once, whether a
    /// notice reached it or not.
    fn catch_up(names: &[&str], out: &mut Script) {
        let _ = (names, out);
    }

    /// Reads the lines that the fragment of [`Self::ask`] printed; lines it does not know are passed over. `now` is
    /// for ages.
    fn heard(lines: &[&str], now: Timestamp) -> Heard {
        let _ = (lines, now);
        Heard::new()
    }
}

/// Appends the questions about resources, by name and stored spec, to a script.
pub type Ask = fn(&[(&str, &Value)], &mut Script) -> Result<(), Invalid>;

/// Appends the questions about what was changed of resources, by name, stored spec and the parts, to a script.
pub type Sample = fn(&[(&str, &Value, &[String])], &mut Script) -> Result<(), Invalid>;

/// A kind with its spec's type erased: what the generic commands work with.
#[allow(clippy::struct_excessive_bools)] // Each is a constant of the spec.
pub struct Kind {
    /// See [`Spec::KIND`].
    pub word: &'static str,
    /// See [`Spec::PLURAL`].
    pub plural: &'static str,
    /// See [`Spec::ABOUT`].
    pub about: &'static str,
    /// See [`Spec::NAME`].
    pub name_word: &'static str,
    /// See [`Spec::ROLE`].
    pub role: Option<Role>,
    /// See [`Spec::PLACED`].
    pub placed: bool,
    /// See [`Spec::REVEALS`].
    pub reveals: bool,
    /// See [`Spec::WITHOUT`].
    pub without: &'static [&'static str],
    /// See [`Spec::HOSTS`].
    pub hosts: bool,
    /// See [`Spec::LIVE`].
    pub live: Option<Live>,
    /// See [`Spec::NUMBERS`].
    pub numbers: &'static [&'static str],
    /// See [`Spec::ALONE`].
    pub alone: Option<(&'static str, &'static str)>,
    /// See [`Spec::tells_nothing`].
    pub tells_nothing: fn(&Value, &str) -> Result<Option<Told>, Invalid>,
    /// See [`Spec::AGREE`].
    pub agree: &'static [&'static str],
    /// See [`Spec::EXAMPLE`].
    pub example: &'static str,
    /// See [`Spec::ENTRIES`].
    pub entries: &'static [Entries],
    /// See [`Spec::STATE`].
    pub state: &'static str,
    /// Adds the spec's flags to a command.
    pub augment: fn(Command) -> Command,
    /// Like `augment`, for `set-`: nothing is required.
    pub augment_for_update: fn(Command) -> Command,
    /// The spec of parsed arguments, as JSON, absorbed but not validated.
    pub parse: fn(&ArgMatches, &str, &mut dyn Edge) -> Result<Value, Invalid>,
    /// See [`Spec::sets`].
    pub sets: fn(&str) -> &'static [&'static str],
    /// See [`Spec::canonical_name`].
    pub canonical_name: fn(&str) -> Result<String, Invalid>,
    /// See [`Spec::inherit`]: the settings, and those of the resource that exists.
    pub inherit: fn(&Value, &Value) -> Result<Value, Invalid>,
    /// See [`Spec::retain`]: the settings, and those as they were.
    pub retain: fn(&Value, &Value) -> Result<Value, Invalid>,
    /// See [`Spec::directions`].
    pub directions: Directions,
    /// See [`Spec::secrets`].
    pub secrets: Revealed,
    /// See [`Spec::foreign`].
    pub foreign: Unknown,
    /// See [`Spec::validate`]; also refuses JSON that is not a spec.
    pub validate: fn(&Value, &str, Timestamp) -> Result<(), Invalid>,
    /// The spec as it is stored: every field, in the order of the struct.
    pub normalise: fn(&Value) -> Result<Value, Invalid>,
    /// See [`Spec::WEIGHT`].
    pub weight: u32,
    /// See [`Spec::scope`].
    pub scope: fn(&Value) -> Result<Scope, Invalid>,
    /// See [`Spec::lacks`].
    pub lacks: Lacks,
    /// See [`Spec::claims`], [`Spec::follows`] and [`Spec::scope`].
    pub ties: fn(&Value, &str) -> Result<Ties, Invalid>,
    /// See [`Spec::released`].
    pub released: fn(&Value, &str, &ResourceName) -> Result<Option<Value>, Invalid>,
    /// See [`Spec::items`].
    pub items: fn(&Value, &Compile<'_>) -> Result<Vec<Item>, Invalid>,
    /// See [`Spec::summary`]; of the stored JSON text, because a list of very many has no time to take it apart twice.
    pub summary: fn(&str, &str) -> Result<Summary, Invalid>,
    /// See [`Spec::worded`].
    pub worded: Worded,
    /// See [`Spec::outlook`].
    pub outlook: fn(&Value, &Zoned) -> Result<Summary, Invalid>,
    /// See [`Spec::CHECKED`].
    pub checked: bool,
    /// See [`Spec::wanted`].
    pub wanted: fn(&Value, &str, bool) -> Result<Vec<Wanted>, Invalid>,
    /// See [`Spec::SERVES`].
    pub has_served: bool,
    /// See [`Spec::serves`].
    pub serves: fn(&Value) -> Result<BTreeSet<Served>, Invalid>,
    /// See [`Spec::ask`].
    pub ask: Ask,
    /// See [`Spec::sample`].
    pub sample: Sample,
    /// See [`Spec::catch_up`].
    pub catch_up: fn(&[&str], &mut Script),
    /// See [`Spec::heard`].
    pub heard: fn(&[&str], Timestamp) -> Heard,
}

/// Adds the flags of `S` to a command that changes settings. clap requires none of them then, and still cannot make a spec
/// without those that it requires elsewhere: these are empty, and not taken for given.
fn none_required<S: Spec>(command: Command) -> Command {
    let own = S::augment_args(Command::new("own"));
    let required = own
        .get_arguments()
        .filter(|argument| argument.is_required_set());
    required.fold(S::augment_args_for_update(command), |command, argument| {
        command.mut_arg(argument.get_id(), |argument| {
            argument
                .required(false)
                .default_value("")
                .hide_default_value(true)
        })
    })
}

impl Kind {
    /// The kind whose spec is `S`.
    pub const fn of<S: Spec>() -> Self {
        Self {
            word: S::KIND,
            plural: S::PLURAL,
            about: S::ABOUT,
            name_word: S::NAME,
            role: S::ROLE,
            placed: S::PLACED,
            reveals: S::REVEALS,
            without: S::WITHOUT,
            hosts: S::HOSTS,
            live: S::LIVE,
            numbers: S::NUMBERS,
            alone: S::ALONE,
            tells_nothing: |value, name| Ok(from_json::<S>(value)?.tells_nothing(name)),
            agree: S::AGREE,
            example: S::EXAMPLE,
            entries: S::ENTRIES,
            state: S::STATE,
            checked: S::CHECKED,
            wanted: |value, name, suspended| Ok(from_json::<S>(value)?.wanted(name, suspended)),
            has_served: S::SERVES,
            serves: |value| Ok(from_json::<S>(value)?.serves()),
            augment: S::augment_args,
            augment_for_update: none_required::<S>,
            parse: |matches, name, edge| {
                let mut spec = S::from_arg_matches(matches).map_err(|error| {
                    let mut invalid = Invalid::default();
                    invalid.push("", error.to_string());
                    invalid
                })?;
                spec.absorb(name, edge)?;
                to_json(&spec)
            },
            sets: S::sets,
            canonical_name: S::canonical_name,
            inherit: |value, there| {
                let mut spec = from_json::<S>(value)?;
                spec.inherit(&from_json::<S>(there)?);
                to_json(&spec)
            },
            retain: |value, there| {
                let mut spec = from_json::<S>(value)?;
                spec.retain(&from_json::<S>(there)?);
                to_json(&spec)
            },
            directions: |value, name, servers| Ok(from_json::<S>(value)?.directions(name, servers)),
            secrets: |value| Ok(from_json::<S>(value)?.secrets()),
            foreign: |value, name, applied| Ok(from_json::<S>(value)?.foreign(name, applied)),
            validate: |value, name, now| from_json::<S>(value)?.validate(name, now),
            normalise: |value| to_json(&from_json::<S>(value)?),
            weight: S::WEIGHT,
            scope: |value| Ok(from_json::<S>(value)?.scope()),
            lacks: |value| {
                let spec = from_json::<S>(value)?;
                Ok(Box::new(move |on| spec.lacks(on)))
            },
            ties: |value, name| {
                let spec = from_json::<S>(value)?;
                Ok(Ties {
                    claims: spec.claims(name),
                    follows: spec.follows(name),
                    roams: spec.scope().roams(),
                })
            },
            released: |value, name, gone| {
                let released = from_json::<S>(value)?.released(name, gone);
                released.as_ref().map(to_json).transpose()
            },
            items: |value, input| from_json::<S>(value)?.items(input),
            summary: |text, name| {
                let spec: S =
                    serde_json::from_str(text).map_err(|error| not_a_spec::<S>(&error))?;
                Ok(spec.summary(name))
            },
            worded: |value| Ok(from_json::<S>(value)?.worded()),
            outlook: |value, now| Ok(from_json::<S>(value)?.outlook(now)),
            ask: |specs, out| {
                let mut typed = Vec::with_capacity(specs.len());
                for (name, value) in specs {
                    typed.push((*name, from_json::<S>(value)?));
                }
                S::ask(&typed, out);
                Ok(())
            },
            sample: |specs, out| {
                let mut typed = Vec::with_capacity(specs.len());
                for (name, value, touched) in specs {
                    typed.push((*name, from_json::<S>(value)?, *touched));
                }
                S::sample(&typed, out);
                Ok(())
            },
            catch_up: S::catch_up,
            heard: S::heard,
        }
    }
}

/// The typed spec of a stored one.
///
/// # Errors
/// JSON that is not the settings of that kind.
pub fn from_json<S: Spec>(value: &Value) -> Result<S, Invalid> {
    S::deserialize(value).map_err(|error| not_a_spec::<S>(&error))
}

fn not_a_spec<S: Spec>(error: &serde_json::Error) -> Invalid {
    let mut invalid = Invalid::default();
    invalid.push("", format!("not the settings of a {}: {error}", S::KIND));
    invalid
}

/// The stored form of a spec: every field, in the order of the struct.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn to_json<S: Spec>(spec: &S) -> Result<Value, Invalid> {
    serde_json::to_value(spec).map_err(|error| {
        let mut invalid = Invalid::default();
        invalid.push("", error.to_string());
        invalid
    })
}

/// What the users of a resource need to know, of its stored spec, name and servers.
pub type Directions = fn(&Value, &str, &[&Server]) -> Result<Vec<(String, String)>, Invalid>;

/// The secrets of a resource, of its stored spec: what each is, and what stands for it.
pub type Revealed = fn(&Value) -> Result<Vec<(String, SecretId)>, Invalid>;

/// The secrets that are not known, of a stored spec, its name, and what is on record of a server's items.
pub type Unknown = fn(&Value, &str, &BTreeMap<Key, Applied>) -> Result<Vec<Foreign>, Invalid>;

/// What says of a server what it lacks for a stored spec.
pub type Lacks = fn(&Value) -> Result<Box<Lacking>, Invalid>;

/// The settings of a stored spec that are shown in other words: field and words.
pub type Worded = fn(&Value) -> Result<Vec<(&'static str, Words)>, Invalid>;

/// Every kind. A new one is a file here and a word in this list.
pub static KINDS: [Kind; 6] = [
    Kind::of::<site::Site>(),
    Kind::of::<zone::Zone>(),
    Kind::of::<cron::Cron>(),
    Kind::of::<database::Database>(),
    Kind::of::<rule::Rule>(),
    Kind::of::<firewall::Firewall>(),
];

/// The kind called `word`.
pub fn kind(word: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.word == word)
}
