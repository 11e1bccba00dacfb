//! What the register is asked for.

use std::collections::{BTreeSet, HashMap};

use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Known, Named};
use crate::imports::iati::who::Who;
use crate::imports::iati::words::identifiers;
use crate::kind::Kind;

#[derive(QueryableByName)]
struct Prefix {
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Bool)]
    whole: bool,
    #[diesel(sql_type = Text)]
    publisher: String,
}

#[derive(QueryableByName)]
struct Party {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Nullable<Text>)]
    scheme: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Bool)]
    live: bool,
}

#[derive(QueryableByName)]
struct Merged {
    #[diesel(sql_type = Text)]
    was: String,
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    target: String,
}

impl Known {
    /// Asks the register. `writer` is the publisher, or nobody for who may write all.
    pub async fn ask(
        connection: &mut AsyncPgConnection,
        named: Named,
        writer: Option<&str>,
        wanted: Option<&'static Kind>,
    ) -> diesel::QueryResult<Self> {
        let prefixes: Vec<Prefix> =
            sql_query("SELECT prefix, whole, publisher FROM publisher_prefixes ORDER BY length(prefix) DESC, prefix")
                .load(connection)
                .await?;
        let prefixes = prefixes.into_iter().map(|row| (row.prefix, row.whole, row.publisher)).collect();
        let mut known = Self { named, writer: writer.map(str::to_owned), prefixes, wanted, ..Self::default() };
        let names: Vec<&str> = known
            .named
            .activities
            .keys()
            .chain(&known.named.others)
            .map(String::as_str)
            .chain(known.named.parties.iter().filter_map(Who::reference))
            .collect();
        let held: Vec<Held> = sql_query("SELECT identifier, collection, live FROM records WHERE identifier = ANY($1)")
            .bind::<Array<Text>, _>(names)
            .load(connection)
            .await?;
        let (live, gone): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|row| row.live);
        known.live = live.into_iter().map(|row| (row.identifier, row.collection)).collect();
        known.gone = gone.into_iter().map(|row| (row.identifier, row.collection)).collect();
        let lines: Vec<Line> = sql_query(
            "SELECT record, target FROM links WHERE role = 'funding' AND pointer LIKE '/funding/%' AND record = ANY($1)",
        )
        .bind::<Array<Text>, _>(known.live.keys().collect::<Vec<_>>())
        .load(connection)
        .await?;
        known.funders = lines.into_iter().map(|line| (line.record, line.target)).collect();
        let above: Vec<Line> = sql_query(
            "WITH RECURSIVE up AS (
               SELECT identifier, parent FROM programmes WHERE parent IS NOT NULL AND identifier = ANY($1)
               UNION
               SELECT p.identifier, p.parent FROM up JOIN programmes p ON p.identifier = up.parent WHERE p.parent IS NOT NULL)
             SELECT identifier AS record, parent AS target FROM up",
        )
        .bind::<Array<Text>, _>(known.all_of("programmes"))
        .load(connection)
        .await?;
        known.above = above.into_iter().map(|line| (line.record, line.target)).collect();
        let flows: Vec<Line> = sql_query(
            "SELECT identifier AS record, grant_id AS target FROM transactions WHERE grant_id IS NOT NULL
               AND identifier = ANY($1) AND coalesce(publisher = $2, true)",
        )
        .bind::<Array<Text>, _>(known.all_of("transactions"))
        .bind::<Nullable<Text>, _>(writer)
        .load(connection)
        .await?;
        known.flows = flows.into_iter().map(|flow| (flow.record, flow.target)).collect();
        known.ask_parties(connection).await?;
        Ok(known)
    }

    /// Who is known: by the identifier that a new record of it would have, or by a code elsewhere.
    async fn ask_parties(&mut self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        // One may be named in several ways.
        let mut by_name: HashMap<String, Vec<Who>> = HashMap::new();
        let mut by_code: HashMap<(String, String), Vec<Who>> = HashMap::new();
        // Whose activities they are: who brought these named the others too.
        let owners: Vec<Line> = sql_query(
            "SELECT identifier AS record, publisher AS target FROM programmes WHERE identifier = ANY($1)
             UNION ALL SELECT identifier, publisher FROM grants WHERE identifier = ANY($1)",
        )
        .bind::<Array<Text>, _>(self.named.activities.keys().collect::<Vec<_>>())
        .load(connection)
        .await?;
        self.owners = owners.into_iter().map(|line| (line.record, line.target)).collect();
        let owners: BTreeSet<String> = self.owners.values().cloned().collect();
        for who in &self.named.parties {
            if let Some(reference) = who.reference() {
                let one = &identifiers(reference)[0];
                let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                by_code.entry((text("scheme"), text("code"))).or_default().push(who.clone());
                by_name.entry(reference.to_owned()).or_default().push(who.clone());
            }
            let theirs = owners.iter().map(|owner| who.name_by(self, Some(owner)));
            for name in theirs.chain([who.name(self)]).collect::<BTreeSet<_>>() {
                by_name.entry(format!("{name}:beneficiary")).or_default().push(who.clone());
                by_name.entry(name).or_default().push(who.clone());
            }
        }
        let names: Vec<&str> = by_name.keys().map(String::as_str).collect();
        let codes: Vec<&str> = by_code.keys().map(|(_, code)| code.as_str()).collect();
        let found: Vec<Party> = sql_query(
            "SELECT p.identifier, p.collection, other ->> 'scheme' AS scheme, other ->> 'code' AS code FROM (
               SELECT identifier, 'organisations' AS collection, doc FROM organisations WHERE codes && $2 OR identifier = ANY($1)
               UNION ALL
               SELECT identifier, 'beneficiaries', doc FROM beneficiaries WHERE codes && $2 OR identifier = ANY($1)) AS p
             LEFT JOIN LATERAL jsonb_array_elements(p.doc -> 'identifiers') AS other ON true
             ORDER BY p.identifier",
        )
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(codes)
        .load(connection)
        .await?;
        for Party { identifier, collection, scheme, code } in found {
            let code = by_code.get(&(scheme.unwrap_or_default(), code.unwrap_or_default()));
            let parties = if collection == "organisations" { &mut self.organisations } else { &mut self.beneficiaries };
            for who in code.into_iter().chain(by_name.get(&identifier)).flatten() {
                parties.entry(who.clone()).or_insert_with(|| identifier.clone());
            }
            self.parties.insert(identifier, collection);
        }
        let reporting: Vec<&String> =
            self.named.reporters.keys().filter_map(|who| self.organisations.get(who)).collect();
        let hearsay: Vec<Line> = sql_query(
            "SELECT o.identifier AS record, o.publisher AS target FROM organisations o
               JOIN versions v ON v.identifier = o.identifier AND v.version = o.version
             WHERE o.identifier = ANY($1) AND o.version = 1 AND NOT o.doc ? 'original' AND coalesce(o.publisher = $2, true)
               -- Clients choose the identifiers of their requests.
               AND EXISTS (SELECT FROM imports i WHERE i.request_id = v.request_id AND i.format = 'iati'
                 AND v.created_at BETWEEN i.created_at AND coalesce(i.finished_at, 'infinity'))
               -- What came in with a report of its own was its own word from the beginning.
               AND NOT EXISTS (
                 SELECT FROM links l JOIN (SELECT identifier, doc FROM programmes UNION ALL SELECT identifier, doc FROM grants) AS a
                   ON a.identifier = l.record
                 WHERE l.target = o.identifier AND (
                   SELECT bool_or(position(format('ref=\"%s\"', reference) IN a.doc #>> '{original,parts,reporting-org,text}') > 0)
                   FROM jsonb_array_elements(o.doc -> 'identifiers') AS own,
                     unnest(ARRAY[own ->> 'code', concat_ws('-', own ->> 'scheme', own ->> 'code')]) AS reference))",
        )
        .bind::<Array<Text>, _>(reporting)
        .bind::<Nullable<Text>, _>(self.writer.as_deref())
        .load(connection)
        .await?;
        self.hearsay = hearsay.into_iter().map(|row| row.record).collect();
        // Who was merged into another is that other.
        let merged: Vec<Merged> = sql_query(
            "WITH RECURSIVE next AS (
               SELECT identifier AS was, merged_into AS identifier FROM records WHERE NOT live AND merged_into IS NOT NULL AND identifier = ANY($1)
               UNION
               SELECT next.was, records.merged_into FROM next JOIN records USING (identifier) WHERE NOT live AND merged_into IS NOT NULL)
             SELECT was, identifier, collection FROM next JOIN records USING (identifier) WHERE live",
        )
        .bind::<Array<Text>, _>(by_name.keys().collect::<Vec<_>>())
        .load(connection)
        .await?;
        for Merged { was, identifier, collection } in merged {
            let parties = if collection == "organisations" { &mut self.organisations } else { &mut self.beneficiaries };
            for who in by_name.get(&was).into_iter().flatten() {
                parties.entry(who.clone()).or_insert_with(|| identifier.clone());
            }
        }
        Ok(())
    }
}
