-- Searching text: one form for Cyrillic, Latin and plain ASCII, stems of English and
-- Serbian words, and trigrams for what was mistyped.

CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

-- Text as it is compared in searches, never shown: words of small Latin letters without
-- accents, one space apart. Ћуприја, Ćuprija and CUPRIJA are one, so are Ђ, Đ and Dj.
CREATE FUNCTION fold(given text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN trim(regexp_replace(
  CASE WHEN octet_length(given) = length(given) THEN lower(given COLLATE "und-x-icu")
  ELSE public.unaccent('public.unaccent'::regdictionary,
    -- Letters that become two, after those that become one.
    replace(replace(replace(replace(replace(
      translate(lower(normalize(given, NFKC) COLLATE "und-x-icu"),
        'абвгдежзијклмнопрстћуфхцчш', 'abvgdežzijklmnoprstćufhcčš'),
      'љ', 'lj'), 'њ', 'nj'), 'џ', 'dž'), 'ђ', 'dj'), 'đ', 'dj'))
  END, '[^[:alnum:]]+', ' ', 'g'));

-- Stems without stop words: whoever asks for a word wants it, whatever it is.
CREATE TEXT SEARCH DICTIONARY english_stem_all (TEMPLATE = pg_catalog.snowball, Language = english);
CREATE TEXT SEARCH DICTIONARY serbian_stem_all (TEMPLATE = pg_catalog.snowball, Language = serbian);
CREATE TEXT SEARCH CONFIGURATION english_words (COPY = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION serbian_words (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION english_words ALTER MAPPING FOR asciiword, word WITH english_stem_all;
ALTER TEXT SEARCH CONFIGURATION serbian_words ALTER MAPPING FOR asciiword, word WITH serbian_stem_all;

-- The words of a text, stemmed as English and as Serbian: nothing says which a name is.
CREATE FUNCTION stems(given text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('public.english_words'::regconfig, given) || to_tsvector('public.serbian_words'::regconfig, given);

-- What a term of a search looks for: its words next to each other, or words that begin so.
CREATE FUNCTION term(folded text, reading text) RETURNS tsquery
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE reading
  WHEN 'prefix' THEN
    to_tsquery('public.english_words'::regconfig, replace(folded, ' ', ' <-> ') || ':*')
    || to_tsquery('public.serbian_words'::regconfig, replace(folded, ' ', ' <-> ') || ':*')
  ELSE
    phraseto_tsquery('public.english_words'::regconfig, folded)
    || phraseto_tsquery('public.serbian_words'::regconfig, folded)
END;

-- What a record is called, in all languages; and by which codes.
CREATE FUNCTION called(doc jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_path_query_array(doc, '$.title.*') || jsonb_path_query_array(doc, '$.name.*')
  || jsonb_path_query_array(doc, '$.other_names[*].*') || jsonb_path_query_array(doc, '$.acronym ? (@ != null)');

CREATE FUNCTION coded(doc jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_path_query_array(doc, '$.identifier') || jsonb_path_query_array(doc, '$.identifiers[*].code');

-- What is said of it.
CREATE FUNCTION told(doc jsonb) RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_path_query_array(doc, '$.description.*') || jsonb_path_query_array(doc, '$.objectives[*].*')
  || jsonb_path_query_array(doc, '$.priorities[*].*') || jsonb_path_query_array(doc, '$.eligible[*].*')
  || jsonb_path_query_array(doc, '$.supports[*].*') || jsonb_path_query_array(doc, '$.target_groups[*].name.*')
  || jsonb_path_query_array(doc, '$.in_kind[*].name.*') || jsonb_path_query_array(doc, '$.documents[*].title.*')
  || jsonb_path_query_array(doc, '$.published_by ? (@ != null)') || jsonb_path_query_array(doc, '$.value_text.*')
  || jsonb_path_query_array(doc, '$.note.*');

-- The items of a list as one text, folded; of very long ones the beginning.
CREATE FUNCTION folded(items jsonb, longest integer) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(fold(left(string_agg(item, ' '), longest)), '') FROM jsonb_array_elements_text(items) AS item);

-- The words that a record is found by: its names and codes count more than what is said of it.
CREATE FUNCTION search_words(doc jsonb) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN setweight(stems(folded(called(doc) || coded(doc), 10000)), 'A') || setweight(stems(folded(told(doc), 50000)), 'C');

-- Its names between bars, its codes between hashes: for what is asked to the letter and,
-- by their trigrams, for what was mistyped.
CREATE FUNCTION search_names(doc jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(
  (SELECT coalesce('|' || string_agg(fold(item), '|') || '|', '') FROM jsonb_array_elements_text(called(doc)) AS item)
  || (SELECT coalesce('#' || string_agg(fold(item), '#') || '#', '') FROM jsonb_array_elements_text(coded(doc)) AS item),
  2000);

DO $$
DECLARE collection text;
BEGIN
  FOREACH collection IN ARRAY ARRAY['programmes', 'calls', 'grants', 'transactions', 'beneficiaries',
    'organisations', 'indicators', 'observations', 'locations', 'sources'] LOOP
    EXECUTE format('ALTER TABLE %1$I
      ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (search_words(doc)) STORED,
      ADD COLUMN names text NOT NULL GENERATED ALWAYS AS (search_names(doc)) STORED', collection);
    EXECUTE format('CREATE INDEX %1$s_words_idx ON %1$I USING gin (words)', collection);
    EXECUTE format('CREATE INDEX %1$s_names_idx ON %1$I USING gin (names gin_trgm_ops)', collection);
    PERFORM show_past(collection);
  END LOOP;
END $$;
