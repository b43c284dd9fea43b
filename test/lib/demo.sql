-- The demo tenant of `make run` and a key of it; prints the key's secret, which can be shown only once.
SELECT tally.create_tenant('demo') AS ignored WHERE NOT EXISTS (SELECT FROM tally.tenant WHERE name = 'demo') \gset
SELECT tally.create_api_key(name => 'demo', scopes => ARRAY['read', 'write', 'admin']);
