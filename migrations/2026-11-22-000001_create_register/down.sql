DROP FUNCTION amounts_meet_budget, shares_are_whole, pluck, sort_text, last_day, first_day;
DROP TABLE links, versions, commit_clock, records, publisher_prefixes, publishers;
