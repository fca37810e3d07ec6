"""Every operation of the whole OpenAPI, asked by a machine that reads it: no answer breaks, and each is one it names.

Whole size in `make test-full`: TIDEGATE_SCHEMATHESIS=200 examples an operation and as many chains of calls.
"""

import os
import zlib
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.hall import ALL_ROLES, Hall, Person, hall

# A failing case is told by its curl command; the whole object's repr is too long for Hypothesis.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
EXAMPLES = int(os.environ.get("TIDEGATE_SCHEMATHESIS", "1"))
STEPS = 6
WHOLE = "TIDEGATE_SCHEMATHESIS" in os.environ
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PUT_AN_END = {"auth_logout", "auth_logout_everywhere", "auth_change_password", "auth_revoke_session"}
ASSETS, NETWORKS = ("BTC", "ETH", "USDT"), ("bitcoin", "ethereum")
ADDRESSES = ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8")


def breaks_nothing(ctx: CheckContext, response: Response, case: Case) -> None:
    """No 5xx but 503, and that one says when to ask again."""
    if response.status_code >= 500 and (response.status_code != 503 or "retry-after" not in response.headers):
        raise Failure(
            operation=case.operation.label, title="It broke", message=f"{response.status_code} {response.text}"
        )


CHECKS = [
    breaks_nothing,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def house(admin_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    folder = tmp_path_factory.mktemp("hall")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with hall(admin_url, template, folder) as found:
            yield found


def sensible(case: Case) -> Case:
    """Half of what is made up names assets, networks and addresses that exist, so that it gets past the first look."""
    if zlib.crc32(repr((case.body, case.query)).encode(errors="replace")) % 2:
        return case
    for place in (case.body, case.query, case.path_parameters):
        if isinstance(place, dict):
            _fill(place)
    return case


def _fill(place: dict[str, Any]) -> None:
    pick = zlib.crc32(repr(place).encode(errors="replace"))
    known = {
        "asset": ASSETS[pick % 3],
        "from_asset": ASSETS[pick % 3],
        "to_asset": ASSETS[pick // 3 % 3],
        "network": NETWORKS[pick // 9 % 2],
        "address": ADDRESSES[pick // 9 % 2],
        "amount": ("0.02", "100", "0.5")[pick // 18 % 3],
        "market": "BTC-USDT",
    }
    for name in place.keys() & known.keys():
        if place[name] is not None:
            place[name] = known[name]


def examples(operation: APIOperation[Any, Any, Any]) -> st.SearchStrategy[Case]:
    """Fit and unfit requests of one operation; in the small size the unfit ones are left to test_hostile.py."""
    fit = operation.as_strategy(GenerationMode.POSITIVE).map(sensible)
    if not WHOLE or not (operation.body or operation.query or operation.path_parameters or operation.headers):
        return fit
    return st.one_of(fit, fit, operation.as_strategy(GenerationMode.NEGATIVE))


def document(house: Hall) -> BaseSchema:
    """What the app says of itself. Who asks is ours to say."""
    schema = schemathesis.openapi.from_dict(house.document())
    schema.config.update(base_url="http://localhost:8000")
    schema.config.generation.update(with_security_parameters=False)
    return schema


def ask(person: Person, case: Case) -> Response:
    """Send it as this person, who stays signed in."""
    answer = case.call(session=person.hall.http, headers=person.headers())
    if case.operation.definition.raw["operationId"] in PUT_AN_END and answer.status_code < 300:
        person.stay()
    return answer


@pytest.mark.timeout(3 * 3600 if WHOLE else 120)
def test_every_operation_answers_a_customer_and_an_operator_what_the_document_says(house: Hall) -> None:
    people = [house.person(), house.person(*ALL_ROLES)]
    failed: dict[str, str] = {}
    asked = 0
    for result in document(house).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()

        @hypothesis.seed(6)
        @SETTINGS
        @hypothesis.given(case=examples(operation), who=st.sampled_from(people))
        def one(case: Case, who: Person) -> None:
            case.validate_response(ask(who, case), checks=CHECKS)

        try:
            one()
        except FailureGroup as group:
            failed[operation.label] = str(group)
        asked += 1
    assert asked == sum(len(item) for item in house.document()["paths"].values())
    assert not failed, "\n\n".join(failed.values())


@pytest.mark.timeout(3 * 3600 if WHOLE else 120)
def test_calls_that_follow_from_one_another_answer_what_the_document_says(house: Hall) -> None:
    person = house.person(*ALL_ROLES)

    class Chain(document(house).as_state_machine()):  # type: ignore[misc]  # made at run time of the document
        def before_call(self, case: Case) -> None:
            sensible(case)

        def call(self, case: Case, **_: Any) -> Response:
            return ask(person, case)

        def validate_response(self, response: Response, case: Case, *_: Any, **__: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    Chain.run(settings=hypothesis.settings(SETTINGS, stateful_step_count=STEPS, derandomize=not WHOLE))
