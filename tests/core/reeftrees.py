"""Label trees for tests: the one of Rio do Fogo (Blondin et al. 2024, arXiv:2412.08228), as nested names."""

import functools

from quadrat.core.reef.tree import Label, LabelTree

RIO = """
FISH, Rock, Unk, SHAD, Cyanobacteria{CIAN4,CIAN2}, Substrates{Sand,ARC},
Other invertebrates{Sponges{OSPO5,PLACO,INC3},OASC,ANM},
Algae{Non Calcified{PTR,COD,WRAN,CLAD,OMFL1,HYP,OMCO2,SARG,VALV,LAU,Gelidiaceae{GLD,Gespp.},Caulerpa{CAU,CAU2,CAUC},
Dictyopteris{DICMER,DICP,DICPP,DICPD,DICPJM},Dictyota{DICTC,DICTM,CCV,DICTP,DICT4},Turf{TFL,Turf_sand,TCC}},
Calcified{CNA/CC,OMCA,A/J}},
Corals{C,Soft{Zoanthidae{Palythoa{PAC,PAL,PRPV},Zoanthus{ZO,ZOS}},Octocoral{Plexauridae{PLE,PLG}}},
Hydro-corals{Millepora{MIL,MIA}},
Hard{Favia{FAV,FAL},Porites{POA},Siderastrea{SID,SIDS},Tubastrea{TUB},Mussimila{MSP},Agaricia{AGF,AGH}},
Bleached{B_HC,SINV_BLC,BL,D_coral,RD_HC}}
"""


def nested(text):
    """Labels of nested names, `parent{child,child}`."""
    labels, above, name = [], [], ""

    def end():
        if name.strip():
            labels.append(Label(name.strip(), parent=above[-1] if above else ""))

    for letter in text.replace("\n", " "):
        if letter not in "{},":
            name += letter
            continue
        end()
        if letter == "{":
            above.append(name.strip())
        elif letter == "}":
            above.pop()
        name = ""
    end()
    return labels


@functools.cache
def rio():
    """The tree of Rio do Fogo."""
    return LabelTree(nested(RIO))
