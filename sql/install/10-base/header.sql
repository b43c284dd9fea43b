\echo Use "CREATE EXTENSION pgtally" to load this file. \quit

