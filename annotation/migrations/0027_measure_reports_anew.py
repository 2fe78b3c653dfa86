"""Reports made before there were trends, pairs and figures count as outdated, so that the next job makes new ones."""

from django.db import migrations

OUTDATE = """
UPDATE annotation_agreementreport SET newest_judgment_id = 0
WHERE id IN (SELECT max(id) FROM annotation_agreementreport GROUP BY project_id);
UPDATE annotation_projectreport SET newest_judgment_id = 0
WHERE id IN (SELECT max(id) FROM annotation_projectreport WHERE section = 'bias' GROUP BY project_id);
"""


class Migration(migrations.Migration):
    dependencies = [("annotation", "0026_agreement_details")]

    operations = [migrations.RunSQL(OUTDATE, migrations.RunSQL.noop)]
