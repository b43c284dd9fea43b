-- The demo tenant of `make run` and a key of it; prints the key's secret, which can be shown only once.
SELECT format('SELECT tally.create_tenant(%L) AS ignored', 'demo')
WHERE NOT EXISTS (SELECT FROM tally.tenant WHERE name = 'demo') \gexec
SET tally.tenant = 'demo';
SELECT 'key ' || tally.create_api_key(name => 'demo', scopes => ARRAY['read', 'write', 'admin']);
