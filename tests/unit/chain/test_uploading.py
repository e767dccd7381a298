"""The daemon copies its site into an object store beside everything else, and tells when it can't."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from structlog.testing import capture_logs

from aggregator.commands.status import daemon_problems
from aggregator.ports import Job
from aggregator.publish.objects.mirror import RECORD
from tests.object_store import BUCKET, SECRET, ObjectStore
from tests.unit.chain.test_service import CONFIG, TOPIC, Desk, run

COPIED = CONFIG + f"publish: {{directory: 's3://{BUCKET}/site/'}}\n"
PATIENCE = 10.0


def upload(desk: Desk) -> Job:
    return next(job for job in desk.service.jobs() if job.name == "upload")


async def pass_time(desk: Desk, seconds: float) -> None:
    """Runs the job as often as the scheduler would."""
    job = upload(desk)
    for _ in range(int(seconds / job.seconds)):
        desk.clock.time += job.seconds
        await job.work()


def metrics(desk: Desk, outcome: str) -> float:
    lines = desk.service.metrics.render({}).decode().splitlines()
    return next(
        (float(one.split()[1]) for one in lines if one.startswith(f'aggregator_objects_total{{outcome="{outcome}"}}')), 0.0
    )


def files(folder: Path) -> set[str]:
    return {f"site/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}


def test_the_folder_beside_the_database_is_copied_and_follows_the_config(tmp_path: Path, objects: ObjectStore) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(COPIED)
        folder = tmp_path / "data/public"
        assert service.runtime.settings.publish.directory == folder
        await upload(desk).work()
        assert set(objects.objects) - {f"site/{RECORD}"} == files(folder) > {"site/index.html", "site/feeds/all.atom"}
        assert metrics(desk, "put") == len(objects.puts()) == len(files(folder)) - 1
        desk.configure(COPIED + TOPIC)
        await service.reload_if_changed(forced=False)
        await upload(desk).work()
        assert {"site/feeds/sea.atom", "site/topics/sea.html"} < set(objects.objects)
        desk.configure(COPIED)
        await service.reload_if_changed(forced=False)
        await upload(desk).work()
        assert set(objects.objects) - {f"site/{RECORD}"} == files(folder)
        assert metrics(desk, "removed") == 6
        desk.configure(CONFIG + "publish: {directory: elsewhere}\n")
        await service.reload_if_changed(forced=False)
        before = list(objects.diary)
        await upload(desk).work()
        assert objects.diary == before, "nothing is copied any more, and nothing taken away"

    run(tmp_path, work)


def test_another_address_is_tried_at_once_and_what_was_wrong_with_the_old_one_forgotten(
    tmp_path: Path, objects: ObjectStore
) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(COPIED.replace(BUCKET, "no-such-bucket"))
        await pass_time(desk, 600)
        assert "NoSuchBucket" in str(service.details()["publishing"])
        desk.configure(COPIED)
        await service.reload_if_changed(forced=False)
        await upload(desk).work()
        assert service.details()["publishing"] == "ok" and "site/index.html" in objects.objects
        objects.refuses = (403, "AccessDenied")
        desk.configure(COPIED + TOPIC)
        await service.reload_if_changed(forced=False)
        await upload(desk).work()
        assert "AccessDenied" in str(service.details()["publishing"])
        desk.configure(CONFIG)
        await service.reload_if_changed(forced=False)
        await upload(desk).work()
        assert service.details()["publishing"] == "ok"

    run(tmp_path, work)


def test_a_store_that_is_down_is_told_and_asked_ever_less_and_gets_everything_in_the_end(
    tmp_path: Path, objects: ObjectStore
) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(COPIED)
        objects.refuses = (403, "AccessDenied")
        with capture_logs() as logs:
            await pass_time(desk, 3_600)
        failed = [line for line in logs if line["event"] == "upload_failed"]
        assert [line["pause"] for line in failed[:5]] == [30.0, 60.0, 120.0, 240.0, 300.0]
        assert len(failed) < 16 and metrics(desk, "failed") == len(failed)
        await service.health.check()
        (problem,) = daemon_problems(desk)  # type: ignore[arg-type]
        assert problem == f"Feeds can't be published: s3://{BUCKET}/site: the object store refuses: 403 AccessDenied"
        await service.tick()
        is_ready, public = service.ready()
        assert is_ready, "it polls and serves"
        assert public["publishing"] == "refused" and "AccessDenied" in str(service.details()["publishing"])
        assert SECRET not in f"{logs}{service.details()}" + desk.resources.shelf.get("/health.atom").body.decode()  # type: ignore[union-attr]
        objects.refuses = None
        with capture_logs() as logs:
            await pass_time(desk, 300)
        assert [line["put"] for line in logs if line["event"] == "uploaded"] == [len(objects.puts())]
        assert set(objects.objects) - {f"site/{RECORD}"} == files(tmp_path / "data/public")
        await service.health.check()
        assert daemon_problems(desk) == []  # type: ignore[arg-type]
        assert service.ready()[1]["publishing"] == "ok"

    run(tmp_path, work)


def test_a_store_that_hangs_holds_up_neither_publishing_nor_the_end(tmp_path: Path, objects: ObjectStore) -> None:
    async def work(desk: Desk) -> None:
        service = await desk.start(COPIED)
        objects.hang_after = 2
        copy = asyncio.create_task(upload(desk).work())  # type: ignore[arg-type]
        assert await asyncio.to_thread(objects.hanging.wait, PATIENCE)
        desk.configure(COPIED + TOPIC)
        await service.reload_if_changed(forced=False)
        await service.tick()
        assert desk.resources.shelf.get("/feeds/sea.atom") is not None and not copy.done()
        copy.cancel()
        began = time.monotonic()
        await service.drain(0.0)
        assert time.monotonic() - began < PATIENCE / 2

    run(tmp_path, work)


def test_an_orderly_end_writes_down_what_was_copied(tmp_path: Path, objects: ObjectStore) -> None:
    async def work(desk: Desk) -> None:
        await desk.start(COPIED)
        await upload(desk).work()

    async def again(desk: Desk) -> None:
        await desk.start(COPIED)
        objects.diary.clear()
        await upload(desk).work()
        assert objects.diary == []

    run(tmp_path, work)
    run(tmp_path, again)
