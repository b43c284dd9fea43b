-- product families and products: what a metric belongs to

CREATE TABLE tally.product_family (
    tenant_id         integer NOT NULL REFERENCES tally.tenant,
    product_family_id uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    name              text NOT NULL CHECK (pg_catalog.length(name) BETWEEN 1 AND 255),
    alias             text CHECK (pg_catalog.length(alias) BETWEEN 1 AND 255 AND pg_catalog.strpos(alias, ' ') OPERATOR(pg_catalog.=) 0),
    is_default        boolean NOT NULL DEFAULT false,
    created_at        timestamptz NOT NULL DEFAULT tally._now(),
    archived_at       timestamptz,
    PRIMARY KEY (tenant_id, product_family_id),
    UNIQUE (tenant_id, alias)
);
CREATE UNIQUE INDEX product_family_default ON tally.product_family (tenant_id) WHERE is_default;
COMMENT ON TABLE tally.product_family IS 'Group of products; each tenant starts with one named Default';
COMMENT ON COLUMN tally.product_family.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.product_family.product_family_id IS 'Shown as pf_...';
COMMENT ON COLUMN tally.product_family.name IS 'Name as people see it';
COMMENT ON COLUMN tally.product_family.alias IS 'The tenant''s own name for it in paths, without blanks';
COMMENT ON COLUMN tally.product_family.is_default IS 'Whether metrics made in SQL without a family belong here';
COMMENT ON COLUMN tally.product_family.created_at IS 'When it was created';
COMMENT ON COLUMN tally.product_family.archived_at IS 'When it was archived; NULL: it is in use';
COMMENT ON INDEX tally.product_family_default IS 'At most one default family for each tenant';

CREATE TABLE tally.product (
    tenant_id         integer NOT NULL,
    product_id        uuid NOT NULL UNIQUE DEFAULT tally._uuid7(),
    product_family_id uuid NOT NULL,
    name              text NOT NULL CHECK (pg_catalog.length(name) BETWEEN 1 AND 255),
    alias             text CHECK (pg_catalog.length(alias) BETWEEN 1 AND 255 AND pg_catalog.strpos(alias, ' ') OPERATOR(pg_catalog.=) 0),
    description       text CHECK (pg_catalog.length(description) <= 4096),
    fee_structure     json CHECK (pg_catalog.json_typeof(fee_structure) OPERATOR(pg_catalog.=) 'object'),
    in_catalog        boolean NOT NULL DEFAULT true,
    created_at        timestamptz NOT NULL DEFAULT tally._now(),
    archived_at       timestamptz,
    PRIMARY KEY (tenant_id, product_id),
    UNIQUE (tenant_id, alias),
    FOREIGN KEY (tenant_id, product_family_id) REFERENCES tally.product_family
);
CREATE INDEX product_of_family ON tally.product (tenant_id, product_family_id);
COMMENT ON TABLE tally.product IS 'A thing that is sold and whose usage metrics measure';
COMMENT ON COLUMN tally.product.tenant_id IS 'Whose it is';
COMMENT ON COLUMN tally.product.product_id IS 'Shown as prd_...';
COMMENT ON COLUMN tally.product.product_family_id IS 'The family that it belongs to, of the same tenant';
COMMENT ON COLUMN tally.product.name IS 'Name as people see it';
COMMENT ON COLUMN tally.product.alias IS 'The tenant''s own name for it in paths, without blanks';
COMMENT ON COLUMN tally.product.description IS 'Free text';
COMMENT ON COLUMN tally.product.fee_structure IS 'How it is charged for, as a billing system sent it: kept and given back, read by nothing here';
COMMENT ON COLUMN tally.product.in_catalog IS 'Whether it is offered to everybody, as a billing system said';
COMMENT ON COLUMN tally.product.created_at IS 'When it was created';
COMMENT ON COLUMN tally.product.archived_at IS 'When it was archived; NULL: it is in use';
COMMENT ON INDEX tally.product_of_family IS 'Products of a family';

