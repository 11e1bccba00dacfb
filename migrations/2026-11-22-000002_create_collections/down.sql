DROP FUNCTION places_within;
DROP TABLE observations, indicators, beneficiaries, transactions, grants, calls, programmes, sources, organisations, locations;
