"""What the name of one band says: a code of its makers, a colour, a wavelength, or that it is no light at all.

Every name is read on its own; what a code such as B5 means is decided in `recognise.py`, from all names together.
"""

import re
import unicodedata
from dataclasses import dataclass

LIGHT, RADAR, QUALITY, OTHER = "light", "radar", "quality", "other"
LONGEST = 200
"""Letters of a name that are read: files may hold any number, and looking for wavelengths takes the square of it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PER_NM = {"n": 1.0, "u": 1000.0, "µ": 1000.0, "μ": 1000.0, "m": 1000.0}
_WAVELENGTH = re.compile(
    r"(\d+(?:[.,]\d+)?)[\s_]*(nm|nanomet(?:er|re)s?|um|µm|μm|micromet(?:er|re)s?|microns?)(?![a-z])"
)
_QUALITY = _words(
    "qa qa60 qa10 qa20 bqa scl fmask mask msk cloud clouds cloudmask cldprb cld clp snw snwprb probability "
    "quality aot radsat saturation udm udm1 udm2 alpha shadow cfmask classification dataqa clm"
)
_OTHER = _words(
    "ndvi evi evi2 savi ndwi mndwi ndbi ndmi nbr temperature precipitation precip tmean tmin tmax elevation slope "
    "aspect dem dsm dtm srtm height angle incidence localincidenceangle incidenceangle lia vza vaa sza saa lai wvp "
    "index population nightlights hh hv std stdev stddev sd var variance entropy glcm contrast homogeneity "
    "dissimilarity texture anomaly trend ratio pca emb embedding feature feat tessera count"
)
_NOISE = _words(
    "band bands sr st toa boa reflectance surface refl sur dn s2 s2a s2b s2c sen2 sentinel sentinel2 landsat l4 "
    "l5 l7 l8 l9 lt05 le07 lc08 lc09 landsat8 landsat9 landsat7 landsat5 l30 s30 hls msi oli tm etm s1 s1a s1b "
    "sentinel1 grd sigma0 gamma0 beta0 sigma gamma db linear intensity amplitude mean median channel spectral "
    "central centre center wavelength multispectral ms raw value reflective l1c l2a 10m 20m 30m 60m"
)
_PRODUCT_WORDS = {
    "sentinel-2": r"(?<![a-z0-9])(?:s2[abc]?|sen2|sentinel[-_ ]?2[abc]?|msi)(?![a-z0-9])",
    "landsat-tm": r"(?<![a-z0-9])(?:l[45]|lt0?[45]|landsat[-_ ]?[45])(?![a-z0-9])",
    "landsat-etm": r"(?<![a-z0-9])(?:l7|le0?7|landsat[-_ ]?7|b6_vcid_[12])(?![a-z0-9])",
    "landsat-oli": r"(?<![a-z0-9])(?:l[89]|lc0?[89]|landsat[-_ ]?[89]|st_b10|sr_qa_aerosol)(?![a-z0-9])",
    "modis": r"sur_refl_b",
    "hls-l30": r"(?<![a-z0-9])l30(?![a-z0-9])",
    "hls-s30": r"(?<![a-z0-9])s30(?![a-z0-9])",
}
_LANDSAT = re.compile(r"(?<![a-z0-9])(?:sr_b\d|st_b\d|qa_radsat|qa_pixel|b6_vcid)")
_WORDS = {
    "coastal": "coastal coastalaerosol aerosol coastalblue ultrablue ca",
    "blue": "blue b bleu azul blau",
    "green": "green g vert verde grun gruen",
    "red": "red r rouge vermelho rojo rot",
    "rededge1": "rededge rededge1 re re1 rededge071 vegetationrededge vegetationrededge1",
    "rededge2": "rededge2 re2 rededge075 vegetationrededge2",
    "rededge3": "rededge3 re3 rededge078 vegetationrededge3",
    "nir": "nir nearinfrared nearir nirbroad broadnir nearinfraredbroad infrared n nir1 pir ivp procheinfrarouge "
    "infravermelhoproximo infrarrojocercano nahesinfrarot",
    "nir_narrow": "nirnarrow narrownir nir08 nir8a nearinfrarednarrow narrownearinfrared vegetationrededge4 rededge4",
    "water_vapour": "watervapour watervapor nir09",
    "cirrus": "cirrus swircirrus",
    "swir1": "swir1 swir16 shortwaveinfrared1 shortwaveir1 shortinfrared1 mir1",
    "swir2": "swir2 swir22 shortwaveinfrared2 shortwaveir2 shortinfrared2 mir2",
    "thermal": "thermal tir tirs1 tirs2 tir1 tir2 lwir lwir11 lwir12 thermalinfrared thermalinfrared1 thermalinfrared2",
    "vv": "vv",
    "vh": "vh",
}
ROLE_OF_WORD = {word: role for role, words in _WORDS.items() for word in words.split()}
_TITLES = {
    "pan": "panchromatic", "panchro": "panchromatic", "panchromatic": "panchromatic", "yellow": "yellow",
    "greeni": "green I", "green1": "green I", "nir2": "near infrared 2", "swir": "shortwave infrared",
}  # fmt: skip
"""Light that no role stands for."""
_RED_EDGE = frozenset(("rededge1", "rededge2", "rededge3", "nir_narrow"))
_GENERIC = {
    **dict.fromkeys(("rededge", "re", "vegetationrededge"), _RED_EDGE),
    **dict.fromkeys(("nir", "nearinfrared", "nearir", "infrared", "n"), frozenset(("nir", "nir_narrow"))),
}
"""Words that several bands of a satellite bear: a code or a wavelength beside them decides."""


@dataclass(frozen=True)
class Named:
    """What a name says. Empty texts and 0 where it says nothing."""

    role: str = ""
    """By a word, such as `near infrared`."""
    code: str = ""
    """By its makers' count, such as B8A."""
    nm: float = 0.0
    kind: str = ""
    title: str = ""
    """Of light without role."""
    products: frozenset[str] = frozenset()
    """Those that the name mentions."""
    landsat: bool = False
    """It follows the conventions of Landsat's Collection 2, whichever satellite."""
    padded: bool = False
    """Its code has a leading zero, as in B02: Sentinel-2 and HLS do so, Landsat does not."""
    plain: bool = False
    """Nothing but a code."""
    among: frozenset[str] = frozenset()
    """Roles that the word may stand for, where it is as wide as `red edge`."""

    @property
    def says(self) -> bool:
        """Whether it says anything at all."""
        return bool(self.role or self.code or self.nm or self.kind or self.title)


def read_name(text: str) -> Named:
    """What the description of a band says."""
    low = _without_accents(text.strip()[:LONGEST].lower())
    products = frozenset(name for name, pattern in _PRODUCT_WORDS.items() if re.search(pattern, low))
    landsat = bool(_LANDSAT.search(low))
    low, nm = _without_wavelength(low)
    tokens = re.sub(r"[^a-z0-9]+", " ", low).split()
    if _QUALITY.intersection(tokens) or tokens == ["a"]:
        return Named(kind=QUALITY, products=products, landsat=landsat)
    if _OTHER.intersection(tokens):
        return Named(kind=OTHER, title=text.strip(), products=products)
    code, padded, rest = _without_code(tokens)
    word = "".join(token for token in rest if token not in _NOISE)
    role, title, nm = _meaning(word, nm)
    if role in ("vv", "vh"):
        return Named(role, kind=RADAR, products=products)
    kind = LIGHT if role or code or nm or title else ""
    plain = bool(code) and not (role or nm or title)
    return Named(role, code, nm, kind, title, products, landsat, padded, plain, _GENERIC.get(word, frozenset()))


def _without_accents(low: str) -> str:
    """Letters of English; the micro sign stays."""
    apart = unicodedata.normalize("NFD", low)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _without_wavelength(low: str) -> tuple[str, float]:
    """The text without a wavelength in it, and that in nanometres; bare numbers count, but not years."""
    found = _WAVELENGTH.search(low)
    if found:
        nm = float(found[1].replace(",", ".")) * _PER_NM[found[2][0]]
        if 300 <= nm <= 15_000:
            return low[: found.start()] + " " + low[found.end() :], nm
    bare = re.fullmatch(r"(?:wavelength)?[\s_]*(\d{3,4}(?:\.\d+)?)", low)
    if bare and 350 <= float(bare[1]) <= 2600 and not re.fullmatch(r"(?:19[5-9]|20)\d+", bare[1]):
        return "", float(bare[1])
    return low, 0.0


def _without_code(tokens: list[str]) -> tuple[str, bool, list[str]]:
    """The makers' code, whether it is written with a leading zero, and the tokens without it."""
    for place, token in enumerate(tokens):
        text, used = token, 1
        if token in ("b", "band") and place + 1 < len(tokens):
            text, used = token + tokens[place + 1], 2
        found = re.fullmatch(r"b(?:and)?(0?)(\d{1,2})(a?)", text)
        if found and found[2] != "0":
            return f"B{int(found[2])}{found[3].upper()}", bool(found[1]), tokens[:place] + tokens[place + used :]
    return "", False, tokens


def _meaning(word: str, nm: float) -> tuple[str, str, float]:
    """Role, title and wavelength of a word such as `rededge1`, `yellow` or `nir842`."""
    if word in ROLE_OF_WORD:
        return ROLE_OF_WORD[word], "", nm
    if word in _TITLES:
        return "", _TITLES[word], nm
    found = re.fullmatch(r"([a-z]+?)(\d{3,4})", word)
    if found and found[1] in ROLE_OF_WORD and 350 <= float(found[2]) <= 2600:
        return ROLE_OF_WORD[found[1]], "", nm or float(found[2])
    return "", "", nm


def names_nothing(text: str, number: int) -> bool:
    """Whether a description is but the number of the band, as programs write it that were told no name."""
    return (
        not text.strip() or re.fullmatch(rf"(?:band|channel|layer)?[\s_]*0*{number}", text.strip().lower()) is not None
    )
