DO $$
DECLARE collection text;
BEGIN
  FOREACH collection IN ARRAY ARRAY['programmes', 'calls', 'grants', 'transactions', 'beneficiaries',
    'organisations', 'indicators', 'observations', 'locations', 'sources'] LOOP
    EXECUTE format('ALTER TABLE %I DROP COLUMN words, DROP COLUMN names', collection);
    PERFORM show_past(collection);
  END LOOP;
END $$;
DROP FUNCTION search_names, search_words, folded, told, coded, called, term, stems, fold;
DROP TEXT SEARCH CONFIGURATION english_words;
DROP TEXT SEARCH CONFIGURATION serbian_words;
DROP TEXT SEARCH DICTIONARY english_stem_all;
DROP TEXT SEARCH DICTIONARY serbian_stem_all;
