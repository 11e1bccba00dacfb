//! Which flows cross a boundary inward: once, however many pass the money on inside, or send it back.

use super::facts::Facts;
use super::told;

/// Which kind of thing a boundary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A place, with what lies in it.
    Place,
    /// A programme, with its components and projects.
    Programme,
    /// An organisation or beneficiary.
    Party,
}

/// Why only what is asked around a boundary is left out.
pub const OF_BOUNDARIES: [&str; 5] = ["inside", "outward", "outside", "already_inside", "side_unknown"];

/// What crosses a boundary inward counts, unless parts of it say the same crossing in more detail, its money was
/// inside before, or it is only parked there.
pub const CROSSING: &str = "CASE
      WHEN (ends.giving IS NULL OR ends.taking IS NULL) AND divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.giving IS NULL OR ends.taking IS NULL THEN 'side_unknown'
      WHEN ends.giving AND ends.taking THEN 'inside'
      WHEN ends.giving THEN 'outward'
      WHEN NOT ends.taking THEN 'outside'
      WHEN divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.parked THEN 'parked'
      WHEN returned.identifier IS NOT NULL THEN 'already_inside'
    END";
/// What it is told by.
pub const ENDS: &str = "
  LEFT JOIN ends ON ends.identifier = t.identifier
  LEFT JOIN divided ON divided.identifier = t.identifier AND divided.type = t.type
  LEFT JOIN returned ON returned.identifier = t.identifier";

/// All that a flow which enters is part of, however far above, with who paid it and what it is part of up to there: who
/// received the whole, where a part does not say it.
const ABOVE: &str = "above AS (
    SELECT part.identifier AS flow, part.type, part.promised, whole.identifier, coalesce(part.payers, whole.payees) AS payers
    FROM ends part JOIN ends whole ON whole.identifier = part.parent WHERE part.enters
    UNION
    SELECT above.flow, above.type, above.promised, whole.identifier, above.payers || coalesce(part.payers, whole.payees)
    FROM above JOIN ends part USING (identifier) JOIN ends whole ON whole.identifier = part.parent)";

/// What enters of money that was inside before: below what somebody inside paid, or below the nearest flow of its type above
/// such a payment that enters, as that is how its money came in. Promises pay nothing, and payments promise nothing; but what
/// somebody inside promised, and its receiver paid on, was paid.
const RETURNED: &str = "fulfilled AS (
    SELECT above.flow, identifier, parent FROM above JOIN ends USING (identifier)
    WHERE ends.giving AND ends.promised AND NOT above.promised AND ends.payees && above.payers),
  spent AS (
    SELECT paid.parent AS identifier, kinds.type
    FROM (SELECT parent, promised FROM ends WHERE giving UNION SELECT parent, false FROM fulfilled) AS paid
      JOIN (SELECT DISTINCT type, promised FROM above) AS kinds USING (promised) WHERE paid.parent IS NOT NULL
    UNION
    SELECT ends.parent, spent.type FROM spent JOIN ends USING (identifier)
    WHERE ends.parent IS NOT NULL AND (ends.enters AND ends.type = spent.type) IS NOT TRUE),
  returned AS (
    SELECT flow AS identifier FROM fulfilled
    UNION
    SELECT above.flow FROM above JOIN ends USING (identifier)
    WHERE ends.giving AND ends.promised = above.promised OR ends.enters AND ends.type = above.type
      AND EXISTS (SELECT FROM spent WHERE (spent.identifier, spent.type) = (above.identifier, above.type)))";

/// The flows that those which count are parts of.
const DIVIDED: &str = "divided AS (
    SELECT DISTINCT above.identifier, above.type FROM above
    WHERE NOT EXISTS (SELECT FROM returned WHERE returned.identifier = above.flow))";

impl Facts<'_> {
    /// Which ends of flows lie inside of a boundary, and what of those that enter counts.
    pub fn cross(&mut self, around: Around, boundary: &str) {
        let value = self.statement.text(boundary);
        self.state(around, &value);
        let outside = if around == Around::Programme { "false" } else { "NULL::boolean" };
        for (name, expression) in [
            ("told", told::sides()),
            // What names no programme, and is told of in nothing that does, is outside of each.
            ("ends", told::ends(outside)),
            ("above", ABOVE.to_owned()),
            ("returned", RETURNED.to_owned()),
            ("divided", DIVIDED.to_owned()),
        ] {
            self.statement.add(expression);
            self.keep(name);
        }
    }
}
