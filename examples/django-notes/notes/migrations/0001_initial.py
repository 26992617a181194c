"""The table, and notes to read: NOTES_COUNT of them (500)."""

import os
import random

from django.db import migrations, models

SYLLABLES = ["ka", "lo", "mi", "ren", "sta", "tu", "vel", "or", "in", "da", "pha", "go"]
TOPICS = 50


def write_notes(apps, _schema):
    note = apps.get_model("notes", "Note")
    chance = random.Random(7)
    words = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(1500)]
    note.objects.bulk_create(
        (
            note(
                topic=number % TOPICS,
                title=f"Note {number}",
                text=f"Words about {number}: {' '.join(chance.choices(words, k=250))}.",
            )
            for number in range(int(os.environ.get("NOTES_COUNT", "500")))
        ),
        batch_size=500,
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
                ("topic", models.IntegerField(db_index=True)),
                ("title", models.CharField(max_length=100)),
                ("text", models.TextField()),
            ],
        ),
        migrations.RunPython(write_notes),
    ]
