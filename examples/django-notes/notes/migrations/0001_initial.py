"""The table, and notes to read."""

from django.db import migrations, models


def write_notes(apps, _schema):
    note = apps.get_model("notes", "Note")
    note.objects.bulk_create(
        note(title=f"Note {number}", text=f"Words about {number}. " * 200) for number in range(500)
    )


class Migration(migrations.Migration):
    """The first one."""

    initial = True
    operations = [  # noqa: RUF012  Django's own form
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=100)),
                ("text", models.TextField()),
            ],
        ),
        migrations.RunPython(write_notes),
    ]
