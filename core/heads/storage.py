"""Heads on disk: one zip with `facts.json`, `head.skops` and plain arrays, without pickle and executable code.

Before anything is built, every type named in the file is compared with a list of our own; skops then checks again
while it builds. A head of another minor version of scikit-learn is refused, because its insides may differ.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sklearn
from numpy.typing import NDArray

from ..arrays import BAD_ARCHIVE, array_of, npy_of
from ..atomic import replacing
from ..errors import BadInput, QuadratError, Stale, VersionMismatch
from .skopsio import skops_io
from .soundness import check_trees

FORMAT = 1
FACTS, HEAD, TRAINING = "facts.json", "head.skops", "training/"
"""Members; below the last one lie arrays by name."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of all members, so that equal heads are equal files."""
MOST_BYTES = 2 * 2**30
"""Unpacked size above which a file is not read."""

OWN_TYPES = (
    "quadrat.core.heads.calibration.Calibrated",
    "quadrat.core.heads.committee.Committee",
    "quadrat.core.heads.committee.ValueCommittee",
    "quadrat.core.heads.prototype.Prototype",
    "quadrat.core.heads.scaling.CommonScaler",
    "quadrat.core.heads.scaling.CutScaler",
    "quadrat.core.heads.scaling.LogScaler",
    "quadrat.core.reef.learning.hierarchy.LocalPerParent",
    "quadrat.core.settlement.methods.footing.BlockScaler",
    "quadrat.core.settlement.methods.graph.GraphNetwork",
)
SKLEARN_TYPES = (
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn.compose._target.TransformedTargetRegressor",
    "sklearn.decomposition._pca.PCA",
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.ExtraTreesRegressor",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._forest.RandomForestRegressor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._ridge.Ridge",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neighbors._regression.KNeighborsRegressor",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.neural_network._multilayer_perceptron.MLPRegressor",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._label.LabelBinarizer",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._classes.ExtraTreeRegressor",
    "sklearn.tree._tree.Tree",
)
PLAIN_TYPES = (
    *(f"builtins.{name}" for name in ("dict", "list", "tuple", "str", "int", "float", "bool")),
    *(f"numpy.{name}" for name in ("ndarray", "bool_", "int64", "int32", "uint64", "float64", "float32", "dtype")),
)
TRUSTED = frozenset((*OWN_TYPES, *SKLEARN_TYPES, *PLAIN_TYPES))
TRUSTED_LOADERS = frozenset(
    f"{name}Node"
    for name in ("Dict", "List", "Tuple", "Json", "Type", "NdArray", "Object", "Tree", "Cached", "DType", "Loss")
)
"""What skops may do with those types; calling functions is not among it."""


def save_head(
    path: str, facts: Mapping[str, Any], estimator: Any, arrays: Mapping[str, NDArray[Any]] | None = None
) -> None:
    """Write a head under a temporary name and rename it.

    Args:
        path: of the head.
        facts: plain JSON values; format and scikit-learn version are added.
        estimator: fitted, of types that may be stored.
        arrays: numbers that go with it, by name; see `load_arrays`.

    Raises:
        BadInput: the estimator holds a type that is not on the list.
        Unwritable: the folder cannot be written.
    """
    content = {"format": FORMAT, **facts, "sklearn": sklearn.__version__}
    body = _canonical(skops_io.dumps(estimator, compression=zipfile.ZIP_STORED))
    _check_types(body, path)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _add(archive, FACTS, text.encode(), zipfile.ZIP_DEFLATED)
        _add(archive, HEAD, body, zipfile.ZIP_STORED)
        for name, array in sorted((arrays or {}).items()):
            _add(archive, f"{TRAINING}{name}.npy", npy_of(array), zipfile.ZIP_DEFLATED)


def load_arrays(path: str) -> dict[str, NDArray[Any]]:
    """Arrays that go with a head, by name; none in heads of before there were any.

    Raises:
        BadInput: missing, truncated, or not plain arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive, path)
            names = [name for name in archive.namelist() if name.startswith(TRAINING)]
            return {name[len(TRAINING) :].removesuffix(".npy"): array_of(archive.read(name)) for name in names}
    except BAD_ARCHIVE as error:
        raise damaged(path, error) from error


def load_head(path: str) -> tuple[dict[str, Any], Any]:
    """Facts and fitted estimator.

    Raises:
        BadInput: missing, truncated, not a head, or with a type that is not on the list.
        VersionMismatch: written by a newer Quadrat.
        Stale: of another minor version of scikit-learn.
    """
    facts, body = _read(path)
    if not isinstance(facts.get("format"), int) or facts["format"] > FORMAT:
        raise VersionMismatch(f"The head {path} was made by a newer version of Quadrat. Update the plugin.")
    made, here = str(facts.get("sklearn", "")), sklearn.__version__
    if made.split(".")[:2] != here.split(".")[:2]:
        raise Stale(
            f"The head {path} was made with scikit-learn {made or 'of unknown version'}; the engine has {here}. "
            "Refit it: run 'Train head' again with the same labels."
        )
    _check_types(body, path)
    try:
        estimator = skops_io.loads(body, trusted=sorted(TRUSTED))
        check_trees(estimator)
    except Exception as error:
        raise damaged(path, error) from error
    return facts, estimator


def damaged(path: str, why: object) -> BadInput:
    """The sentence for a file that is a head in parts."""
    reason = re.sub(" at 0x[0-9a-f]+", "", str(why)).strip().rstrip(".")
    return BadInput(f"The head {path} is damaged ({reason}). Train it again.")


def _read(path: str) -> tuple[dict[str, Any], bytes]:
    if not Path(path).is_file():
        raise BadInput(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            if not {FACTS, HEAD} <= set(archive.namelist()):
                raise BadInput(f"{path} is not a head of Quadrat: it lacks {FACTS} or {HEAD}.")
            _check_size(archive, path)
            facts, body = json.loads(archive.read(FACTS)), archive.read(HEAD)
    except QuadratError:
        raise
    except BAD_ARCHIVE as error:
        raise BadInput(f"{path} is not a head of Quadrat, or it is cut off ({error}).") from error
    if not isinstance(facts, dict):
        raise BadInput(f"{path} is not a head of Quadrat: its {FACTS} is no object.")
    return facts, body


def _check_size(archive: zipfile.ZipFile, path: str) -> None:
    if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
        raise BadInput(f"{path} unpacks to more than {MOST_BYTES // 2**30} GB; that is no head of Quadrat.")


def _schema(body: bytes, path: str) -> tuple[zipfile.ZipFile, Any]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        _check_size(archive, path)
        return archive, json.loads(archive.read("schema.json"))
    except BAD_ARCHIVE as error:
        raise damaged(path, error) from error


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in the schema, parents first, in the order of the file."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            stack.extend(reversed(node))


def _check_types(body: bytes, path: str) -> None:
    """Refuse whatever is not on the lists.

    Raises:
        BadInput: names the first type or step that is not.
    """
    for node in _nodes(_schema(body, path)[1]):
        if "__class__" not in node and "__loader__" not in node:
            continue
        name, loader = f"{node.get('__module__')}.{node.get('__class__')}", node.get("__loader__")
        if name not in TRUSTED or loader not in TRUSTED_LOADERS:
            raise BadInput(
                f"The head {path} holds '{name}' ({loader}), which no head of Quadrat does. It was not opened; do not "
                "trust where it comes from."
            )


def _canonical(body: bytes) -> bytes:
    """The same archive with members and object numbers named by order instead of memory address and time."""
    archive, schema = _schema(body, "in memory")
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if isinstance(node.get("file"), str):
            old = node["file"]
            node["file"] = files.setdefault(old, f"{len(files) + 1}{Path(old).suffix}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        _add(target, "schema.json", json.dumps(schema, separators=(",", ":")).encode(), zipfile.ZIP_DEFLATED)
        for old, new in files.items():
            _add(target, new, archive.read(old), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    member = zipfile.ZipInfo(name, date_time=EPOCH)
    member.external_attr = 0o644 << 16
    archive.writestr(member, content, compress_type=compression, compresslevel=6)
