//! A question to one collection: which records, in which order, from where on.
//! From the parameters of a request to SQL with bound values.

use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel_async::AsyncPgConnection;

use super::bound::{Bound, bind, bound};
use super::cursor::{Cursor, foreign_cursor};
use super::grain::Grain;
use crate::error::{Fault, Problem};
use crate::hint::nearest;
use crate::http::query::Query;
use crate::kind::{Facet, Kind, Sort};
use crate::rates::convert::Conversion;
use crate::search::terms::{self, Typed};
use crate::search::{RELEVANCE, Search};

/// The question.
pub struct Ask {
    /// The collection.
    pub kind: &'static Kind,
    conditions: Vec<(&'static str, Bound)>,
    /// What was typed to search for.
    typed: Option<Vec<Typed>>,
    /// How the register reads that; see [`Ask::resolve`].
    search: Option<Search>,
    /// The order.
    pub sort: &'static Sort,
    /// Highest first.
    pub descending: bool,
    /// The end of the page before.
    pub after: Option<Cursor>,
    /// What cursors are bound to.
    pub seal: String,
    /// Into what to convert main amounts.
    pub conversion: Option<Conversion>,
    /// The SQL of what is wanted beside each row, as JSON.
    pub beside: Option<String>,
    /// What a row is about.
    pub grain: Grain,
}

/// What must be said of the places of a record, by place.
pub const NOTES: &str =
    "(SELECT jsonb_object_agg(l.target, p.doc -> 'note')::text FROM links l JOIN locations p ON p.identifier = l.target
    WHERE l.record = t.identifier AND l.role = 'place'
      AND l.target = ANY(ARRAY(SELECT identifier FROM locations WHERE noted)))";

impl Ask {
    /// Reads filters, sort and cursor from the parameters. Cursors hold in one register only:
    /// nobody can make one without knowing its secret name. `fixed` is a filter that the
    /// address itself sets.
    pub fn read(
        kind: &'static Kind,
        query: &Query,
        fixed: Option<(&'static str, &str)>,
        register: &str,
    ) -> Result<Self, Vec<Fault>> {
        let mut seal = format!("{register} {}", kind.collection);
        let (mut ask, mut faults) = Self::filters_on(kind, query);
        if let Some((name, value)) = fixed
            && let Some(filter) = kind.all_filters().find(|filter| filter.name == name)
        {
            ask.conditions.insert(0, (filter.sql, Bound::List(vec![value.to_owned()])));
            seal.push_str(&format!(" {name} {value}"));
        }
        for (name, value) in query.pairs() {
            if matches!(name, "q" | "as_of") || kind.all_filters().any(|filter| filter.name == name) {
                seal.push_str(&format!("&{name}={value}"));
            }
        }
        let wanted = query.get("sort").unwrap_or(if query.get("q").is_some() { "-relevance" } else { "identifier" });
        let (descending, name) = wanted.strip_prefix('-').map_or((false, wanted), |name| (true, name));
        seal.push_str(&format!("&sort={wanted}"));
        let searched = query.get("q").map(|_| &RELEVANCE);
        let sort = kind.all_sorts().chain(searched).find(|sort| sort.name == name);
        if sort.is_none() && name == RELEVANCE.name {
            faults.push(Fault::parameter("sort", "sort_unknown", "relevance is an order of searches: add q"));
        } else if sort.is_none() {
            let known: Vec<&str> = kind.all_sorts().map(|sort| sort.name).collect();
            let words = format!(
                "{} cannot be sorted by {name:?}; sort takes one key{}",
                kind.collection,
                nearest(name, &known)
            );
            faults.push(Fault::parameter("sort", "sort_unknown", words));
        }
        let after = query.get("cursor").map(|text| Cursor::decode(text, &seal));
        if after == Some(None) {
            faults.push(foreign_cursor());
        }
        let conversion = Conversion::read(query).map_err(|more| faults.extend(more)).unwrap_or_default();
        match sort {
            Some(sort) if faults.is_empty() => {
                Ok(Self { sort, descending, after: after.flatten(), seal, conversion, ..ask })
            }
            _ => Err(faults),
        }
    }

    /// The filters alone, without order and pages.
    pub fn filters(kind: &'static Kind, query: &Query) -> Result<Self, Vec<Fault>> {
        let (ask, faults) = Self::filters_on(kind, query);
        if faults.is_empty() { Ok(ask) } else { Err(faults) }
    }

    fn filters_on(kind: &'static Kind, query: &Query) -> (Self, Vec<Fault>) {
        let (mut conditions, mut faults) = (Vec::new(), Vec::new());
        for (name, value) in query.pairs() {
            let Some(filter) = kind.all_filters().find(|filter| filter.name == name) else { continue };
            match bound(filter, value) {
                Ok(bound) => conditions.push((filter.sql, bound)),
                Err(fault) => faults.push(fault),
            }
        }
        let typed = query.get("q").map(terms::parse).transpose().map_err(|fault| faults.push(fault));
        let ask = Self {
            kind,
            conditions,
            typed: typed.unwrap_or_default(),
            search: None,
            sort: &RELEVANCE,
            descending: true,
            after: None,
            seal: String::new(),
            conversion: None,
            beside: None,
            grain: Grain::default(),
        };
        (ask, faults)
    }

    /// The part that one collection has in a search over several; `seal` is what cursors
    /// of the whole search are bound to.
    pub fn search_of(kind: &'static Kind, query: &Query, seal: &str) -> Result<Self, Vec<Fault>> {
        let typed = terms::parse(query.get("q").unwrap_or_default()).map_err(|fault| vec![fault])?;
        let after = query.get("cursor").map(|text| Cursor::decode(text, seal));
        if after == Some(None) {
            return Err(vec![foreign_cursor()]);
        }
        let (ask, _) = Self::filters_on(kind, &Query::default());
        Ok(Self { typed: Some(typed), after: after.flatten(), seal: seal.into(), ..ask })
    }

    /// Searches for what was read already.
    pub fn set_search(&mut self, search: &Search) {
        self.search = Some(search.clone());
    }

    /// Reads what was typed as the register has it, now or at the instant that was
    /// entered. To be called before the rows of a search are asked for.
    pub async fn resolve(&mut self, connection: &mut AsyncPgConnection) -> Result<(), Problem> {
        if let Some(typed) = &self.typed {
            self.search = Some(Search::resolve(connection, typed).await?);
        }
        Ok(())
    }

    /// Whether it searches for text, and how the register reads that.
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// Whether text is searched for.
    pub fn searches(&self) -> bool {
        self.typed.is_some()
    }

    /// All rows in their order.
    pub fn rows(&self) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let (sql, values) = self.select("");
        bind(sql, values)
    }

    /// The first rows, at most `limit` of them, and not more than a page holds in bytes.
    pub fn page(&self, limit: i64) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let (sql, values) = self.select(&format!(" LIMIT {limit}"));
        bind(bounded(&sql), values)
    }

    fn select(&self, limit: &str) -> (String, Vec<Bound>) {
        let mut values = Vec::new();
        let mut conditions = self.conditions_sql(&mut values);
        let key = self.key(&mut values);
        let (table, of_type) = (self.kind.collection, self.sort.of_type);
        let converted = self.conversion.as_ref().and_then(|conversion| conversion.sql(self.kind));
        let converted = converted.unwrap_or_else(|| "NULL::text".into());
        let notes = if self.kind.has_places() { NOTES } else { "NULL::text" };
        let beside = self.beside.as_deref().unwrap_or("NULL::text");
        let pieces = self.grain.pieces(self.kind, self.conversion.as_ref());
        let (piece, order_of_pieces) =
            if pieces.is_some() { ("piece.doc::text", ", piece.n") } else { ("NULL::text", "") };
        let pieces = pieces.unwrap_or_default();
        let (than, order) = if self.descending { ("<", "DESC") } else { (">", "ASC") };
        if let Some(after) = &self.after {
            let n = values.len();
            conditions.push(format!("({key}, t.identifier) {than} (${}::{of_type}, ${})", n + 1, n + 2));
            values.extend([Bound::Text(after.key.clone()), Bound::Text(after.identifier.clone())]);
        }
        let sql = format!(
            "SELECT t.identifier, t.publisher, t.version, t.created_at, t.updated_at, t.doc::text AS doc, ({key})::text AS key, \
             {converted} AS converted, {notes} AS notes, {beside} AS beside, {piece} AS piece \
             FROM {table} t{pieces}{} ORDER BY {key} {order}, t.identifier {order}{order_of_pieces}{limit}",
            where_clause(&conditions)
        );
        (sql, values)
    }

    /// How many rows there are in all.
    pub fn count(&self) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let mut values = Vec::new();
        let conditions = self.conditions_sql(&mut values);
        bind(format!("SELECT count(*) AS count FROM {} t{}", self.kind.collection, where_clause(&conditions)), values)
    }

    /// How many rows an export has, counted no further than this.
    pub fn count_to(&self, most: i64) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let (sql, values) = self.select(&format!(" LIMIT {most}"));
        bind(format!("SELECT count(*) AS count FROM ({sql}) AS rows"), values)
    }

    /// How many rows have each value of a facet, the most frequent first.
    pub fn facet(&self, facet: Facet, limit: i64) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let mut values = Vec::new();
        let conditions = where_clause(&self.conditions_sql(&mut values));
        let table = self.kind.collection;
        let found = match facet {
            Facet::By(sql) => format!("SELECT DISTINCT t.identifier, {sql} AS value FROM {table} t{conditions}"),
            Facet::Places => format!(
                "SELECT DISTINCT t.identifier, above.at AS value FROM {table} t
                 JOIN links l ON l.record = t.identifier AND l.role = 'place' JOIN above ON above.place = l.target{conditions}"
            ),
        };
        let sql = format!(
            "WITH RECURSIVE above AS (
               SELECT identifier AS place, identifier AS at, parent FROM locations
               UNION ALL
               SELECT above.place, p.identifier, p.parent FROM above JOIN locations p ON p.identifier = above.parent)
             SELECT counted.*, (SELECT (p.doc -> 'note')::json FROM locations p WHERE p.identifier = value AND p.noted) AS note FROM (
               SELECT value, count(*) AS count FROM ({found}) AS found
               GROUP BY value ORDER BY count DESC, value LIMIT {limit}) AS counted ORDER BY count DESC, value"
        );
        bind(sql, values)
    }

    /// The planner's view of a statement: of the rows without a limit for an estimate, or of a page.
    pub fn explain(&self, limit: Option<i64>) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        let mut values = Vec::new();
        let conditions = self.conditions_sql(&mut values);
        let table = self.kind.collection;
        let page = match limit {
            Some(limit) => format!(" ORDER BY {}, t.identifier LIMIT {limit}", self.key(&mut values)),
            None => String::new(),
        };
        bind(
            format!("EXPLAIN (FORMAT JSON) SELECT t.identifier FROM {table} t{}{page}", where_clause(&conditions)),
            values,
        )
    }

    /// What the rows are ordered by.
    fn key(&self, values: &mut Vec<Bound>) -> String {
        match &self.search {
            Some(search) if self.sort.name == RELEVANCE.name => search.relevance(values),
            _ => self.sort.sql.to_owned(),
        }
    }

    /// What it finds: the table `t` and its conditions, as the end of a statement.
    pub fn matching(&self, values: &mut Vec<Bound>) -> String {
        where_clause(&self.conditions_sql(values))
    }

    fn conditions_sql(&self, values: &mut Vec<Bound>) -> Vec<String> {
        let mut conditions = Vec::new();
        for (sql, value) in &self.conditions {
            values.push(value.clone());
            conditions.push(sql.replace("$?", &format!("${}", values.len())));
        }
        if let Some(search) = &self.search {
            conditions.extend(search.conditions(self.kind, values));
        }
        conditions
    }
}

/// Bytes of documents on one page; the rest is on the next one.
const PAGE: usize = 8 * 1024 * 1024;

/// The first rows of a limited statement: as many as fit on a page, but one at least. Each
/// says how many the statement `found`.
pub fn bounded(sql: &str) -> String {
    format!(
        "SELECT * FROM (
           SELECT page.*, count(*) OVER () AS found,
             sum(octet_length(coalesce(doc, ''))) OVER (ROWS UNBOUNDED PRECEDING) - octet_length(coalesce(doc, '')) AS before
           FROM ({sql}) AS page) AS bounded
         WHERE before < {PAGE}"
    )
}

fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE ({})", conditions.join(") AND (")) }
}
