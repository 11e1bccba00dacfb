//! Indicators that others keep, from the tables in which they publish them: the World Bank's values
//! by country and year, and the list of the Sustainable Development Goals' indicators. They become
//! records like any other, and go through the same door.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Number, Value, json};

use crate::store::change::Author;
use crate::store::publishers::{self, Publisher};

/// What one file came to.
#[derive(Default)]
pub struct Read {
    /// Records by collection.
    pub records: BTreeMap<&'static str, Vec<Value>>,
    /// Codes of what is no place of the register: groups of countries, and countries that it does not have.
    pub skipped: BTreeSet<String>,
}

#[derive(QueryableByName)]
struct Country {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    code: String,
}

/// Who is entered as the publisher of these records.
pub async fn publisher(connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
    let publisher = Publisher {
        id: "indicators".into(),
        name: "Aid Register: indicators that others keep".into(),
        prefixes: vec!["WB-".into(), "SDG-".into()],
    };
    publishers::add(connection, &Author::program("load"), &publisher).await?;
    Ok(())
}

/// Reads a table, whichever of the two it is.
pub async fn read(connection: &mut AsyncPgConnection, name: &str, bytes: &[u8]) -> anyhow::Result<Read> {
    let mut reader = csv::Reader::from_reader(bytes);
    let columns: Vec<String> =
        reader.headers()?.iter().map(|column| column.trim_start_matches('\u{feff}').to_owned()).collect();
    let has = |wanted: &[&str]| wanted.iter().all(|name| columns.iter().any(|column| column == name));
    let rows: Vec<BTreeMap<String, String>> = reader
        .records()
        .map(|row| Ok(columns.iter().cloned().zip(row?.iter().map(String::from)).collect()))
        .collect::<Result<_, csv::Error>>()?;
    if has(&["Country Code", "Year", "Value"]) {
        let countries: Vec<Country> = sql_query(
            "SELECT l.identifier, other ->> 'code' AS code FROM locations l, jsonb_array_elements(l.doc -> 'identifiers') AS other
             WHERE l.kind = 'country' AND other ->> 'scheme' = 'ISO-3166-1-ALPHA-3'",
        )
        .load(connection)
        .await?;
        let countries = countries.into_iter().map(|country| (country.code, country.identifier)).collect();
        return of_the_world_bank(&rows, &countries, name);
    }
    if has(&["goal", "target", "indicator", "description"]) {
        return of_the_goals(&rows);
    }
    bail!(
        "this is neither a table of the World Bank (Country Code, Year, Value) nor a list of the Goals' indicators (goal, target, indicator, description)"
    )
}

/// The values of one indicator, by country and year. The table may name it; without a name it is the
/// population, which is published so.
fn of_the_world_bank(
    rows: &[BTreeMap<String, String>],
    countries: &BTreeMap<String, String>,
    name: &str,
) -> anyhow::Result<Read> {
    const POPULATION: &str = "SP.POP.TOTL";
    let mut read = Read::default();
    let source = json!({"identifier": "WB-SOURCE-WDI", "title": {"en": "World Development Indicators"}, "published_by": "World Bank",
        "url": "https://data.worldbank.org/", "licence": "CC-BY-4.0"});
    read.records.insert("sources", vec![source]);
    let bank = json!({"identifier": "WB-WORLD-BANK", "name": {"en": "World Bank"}, "type": "multilateral",
        "identifiers": [{"scheme": "XM-DAC", "code": "44000"}]});
    read.records.insert("organisations", vec![bank]);
    let mut indicators: BTreeMap<String, Value> = BTreeMap::new();
    let mut observations = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let at = || format!("{name}, line {}", n + 2);
        let cell = |column: &str| row.get(column).map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
        let (Some(country), Some(year)) = (cell("Country Code"), cell("Year")) else {
            bail!("{}: there is no country or no year", at())
        };
        let Some(place) = countries.get(country) else {
            read.skipped.insert(country.to_owned());
            continue;
        };
        let code = cell("Indicator Code").unwrap_or(POPULATION);
        if code == POPULATION || cell("Indicator Name").is_some() {
            let title = cell("Indicator Name").unwrap_or("Population, total");
            let is_population = code == POPULATION;
            indicators.entry(code.to_owned()).or_insert_with(|| json!({
                "identifier": format!("WB-{code}"), "title": {"en": title}, "measure": "unit", "additive": is_population,
                "kept_by": "WB-WORLD-BANK", "unit": if is_population { json!({"en": "inhabitants"}) } else { Value::Null },
                "sources": [{"source": "WB-SOURCE-WDI", "fields": ["/title"]}]}));
        } else {
            bail!("{}: the indicator {code} has no name; add a column Indicator Name", at())
        }
        // A year without a value is no observation.
        let Some(value) = cell("Value") else { continue };
        let number: rust_decimal::Decimal = value.parse().with_context(|| format!("{}: {value} is no number", at()))?;
        observations.push(json!({
            "identifier": format!("WB-{code}-{country}-{year}"), "indicator": format!("WB-{code}"), "kind": "actual",
            "end_date": year, "value": Number::from_string_unchecked(number.normalize().to_string()), "place": place,
            "sources": [{"source": "WB-SOURCE-WDI", "fields": ["/value"]}]}));
    }
    read.records.insert("indicators", indicators.into_values().collect());
    read.records.insert("observations", observations);
    Ok(read)
}

/// The indicators of the Goals, without values.
fn of_the_goals(rows: &[BTreeMap<String, String>]) -> anyhow::Result<Read> {
    let mut indicators: BTreeMap<&str, Value> = BTreeMap::new();
    for (n, row) in rows.iter().enumerate() {
        let cell = |column: &str| row.get(column).map_or("", |cell| cell.trim());
        let (code, text) = (cell("indicator"), cell("description"));
        if code.is_empty() || text.is_empty() {
            bail!("line {}: there is no indicator or no description", n + 2)
        }
        let is_share = ["Proportion", "Percentage", "Share"].iter().any(|word| text.starts_with(word));
        let mut indicator = Map::new();
        indicator.insert("identifier".into(), format!("SDG-{code}").into());
        indicator.insert("title".into(), json!({"en": text}));
        indicator
            .insert("description".into(), json!({"en": format!("Goal {}, target {}", cell("goal"), cell("target"))}));
        indicator.insert("measure".into(), if is_share { "percentage" } else { "unit" }.into());
        indicator.insert("kept_by".into(), "SDG-UNSD".into());
        indicators.entry(code).or_insert_with(|| indicator.into());
    }
    let keeper =
        json!({"identifier": "SDG-UNSD", "name": {"en": "United Nations Statistics Division"}, "type": "multilateral"});
    let records = BTreeMap::from([("organisations", vec![keeper]), ("indicators", indicators.into_values().collect())]);
    Ok(Read { records, ..Read::default() })
}
