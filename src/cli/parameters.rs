//! An option for every parameter of a scenario, made from the table of them.

use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::simulate::scenario::{Adjustment, Kind, PARAMETERS, Parameter};

/// The heading of the options that only the long help shows.
const HEADING: &str = "Every parameter of a scenario";

/// The parameters that were given a value.
#[derive(Debug, Clone, Default)]
pub struct ParameterArgs {
    /// In the order of the table.
    pub adjustments: Vec<Adjustment>,
}

impl Args for ParameterArgs {
    fn augment_args(command: Command) -> Command {
        command.args(PARAMETERS.iter().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParameterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |parameter: &Parameter| matches.get_one::<Adjustment>(parameter.name).cloned();
        Ok(Self { adjustments: PARAMETERS.iter().filter_map(given).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.adjustments.extend(Self::from_arg_matches(matches)?.adjustments);
        Ok(())
    }
}

/// The options about the event, which one that was there before has of its own.
pub(super) fn of_event() -> Vec<&'static str> {
    let names = PARAMETERS.iter().filter(|parameter| parameter.is_of_event());
    names.map(|parameter| parameter.name).collect()
}

fn option(parameter: &'static Parameter) -> Arg {
    let mut option = Arg::new(parameter.name)
        .long(parameter.option())
        .value_name(parameter.kind.placeholder())
        .help(help(parameter))
        .value_parser(reader(parameter));
    if parameter.short.is_none() {
        option = option.help_heading(HEADING).hide_short_help(true);
    }
    option
}

fn reader(parameter: &'static Parameter) -> ValueParser {
    match parameter.kind {
        Kind::Word(words) => {
            let known = PossibleValuesParser::new(words);
            ValueParser::new(known.try_map(move |word| parameter.read(&word)))
        }
        _ => ValueParser::new(move |text: &str| parameter.read(text)),
    }
}

fn help(parameter: &Parameter) -> String {
    // clap names the words itself.
    let bounds = parameter.bounds().filter(|_| !matches!(parameter.kind, Kind::Word(_)));
    let bounds = bounds.map(|bounds| format!("; {bounds}")).unwrap_or_default();
    let default = parameter.default().map(|default| format!(" [default: {default}]"));
    format!("{}{bounds}{}", parameter.about, default.unwrap_or_default())
}
