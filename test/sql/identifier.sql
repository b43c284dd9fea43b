-- public ids: both directions, and what is no id
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS pgtally CASCADE;
CREATE EXTENSION pgtally;
RESET client_min_messages;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT v.uuid, tally._encode_id('bm_', v.uuid), tally._decode_id('bm_', tally._encode_id('bm_', v.uuid)) = v.uuid AS back
FROM (VALUES ('ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid), ('00000000-0000-0000-0000-000000000000'),
             ('00000000-0000-0000-0000-000000000001'), ('018c344b-da87-7392-bbae-c5c8780adb1b'),
             ('018c345f-7324-7cd2-a692-78e5ab9158e0')) v(uuid);
SELECT tally._decode_id('bm_', '018C344B-DA87-7392-BBAE-C5C8780ADB1B') AS bare_uuid, tally._decode_id('bm_', 'pf_0') AS other_prefix,
       tally._decode_id('bm_', 'bm_7n42DGM5Tflk9n8mt7Fhc8') AS too_large, tally._decode_id('bm_', '') AS empty;
-- every random UUID comes back, and ids are distinct
SELECT count(*) FILTER (WHERE tally._decode_id('bm_', tally._encode_id('bm_', u)) <> u) AS lost, count(DISTINCT tally._encode_id('bm_', u))
FROM (SELECT gen_random_uuid() AS u FROM generate_series(1, 10000)) r;
-- version 7: sorts by time of creation
WITH made AS MATERIALIZED (SELECT n, tally._uuid7() AS u FROM generate_series(1, 1000) n)
SELECT count(DISTINCT u), bool_and(substr(u::text, 15, 1) = '7') AS version_7, bool_and(substr(u::text, 20, 1) IN ('8', '9', 'a', 'b')) AS variant
FROM made;
SELECT length(tally._random_bytes(32)), tally._random_bytes(32) <> tally._random_bytes(32) AS differ;
SELECT tally._random_bytes(0);
