"""Judgments and audit events cannot be rewritten, not even by the product itself."""

from django.db import migrations

JUDGMENT_GUARD = """
CREATE FUNCTION annotation_judgment_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the flag that says "this is the current revision" may move.
    IF to_jsonb(NEW) - 'is_current' IS DISTINCT FROM to_jsonb(OLD) - 'is_current' THEN
        RAISE EXCEPTION 'judgment % is append-only; amend it with a new revision', OLD.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'judgment_append_only';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judgment_append_only BEFORE UPDATE ON annotation_judgment
    FOR EACH ROW EXECUTE FUNCTION annotation_judgment_append_only();
"""
AUDIT_GUARD = """
CREATE FUNCTION annotation_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit event % cannot be changed or deleted', OLD.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_append_only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON annotation_auditevent
    FOR EACH ROW EXECUTE FUNCTION annotation_audit_append_only();
"""
DROP_JUDGMENT_GUARD = """
DROP TRIGGER judgment_append_only ON annotation_judgment;
DROP FUNCTION annotation_judgment_append_only();
"""
DROP_AUDIT_GUARD = """
DROP TRIGGER audit_append_only ON annotation_auditevent;
DROP FUNCTION annotation_audit_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]
    operations = [
        migrations.RunSQL(JUDGMENT_GUARD, DROP_JUDGMENT_GUARD),
        migrations.RunSQL(AUDIT_GUARD, DROP_AUDIT_GUARD),
    ]
