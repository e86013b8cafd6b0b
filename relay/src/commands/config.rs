//! `config`: every setting with its default, unit and meaning, as a file that can be edited.

use lightproof_relay::config::{SETTINGS, Settings};

use super::Failure;

pub(crate) fn config() -> Result<(), Failure> {
    let defaults = toml::Table::try_from(Settings::default())
        .map_err(|error| Failure::failed(error, "this is a bug: please report it"))?;
    println!("# Settings of lightproof-relay with their defaults. In the environment: LIGHTPROOF_RELAY_ and the name.");
    for (key, meaning) in SETTINGS {
        println!("\n# {meaning}");
        match defaults.get(*key) {
            Some(value) => println!("{key} = {value}"),
            None => println!("# {key} = \"\""),
        }
    }
    Ok(())
}
