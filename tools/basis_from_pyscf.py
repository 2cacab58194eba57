"""Writes share/basis/*.basis from PySCF's tables: python3 tools/basis_from_pyscf.py share/basis

One shell a paragraph: element and angular momentum letter, then a line a primitive: exponent (1/bohr^2) and the coefficients of
the contractions that share it, of normalized primitives.
"""

import sys
from pathlib import Path

import pyscf
from pyscf import gto

NAMES = {"sto-3g": "STO-3G", "3-21g": "3-21G", "6-31g": "6-31G", "6-31g_star": "6-31G*", "cc-pvdz": "cc-pVDZ"}
SOURCES = {
    "sto-3g": "W. J. Hehre, R. F. Stewart, J. A. Pople, J. Chem. Phys. 51, 2657 (1969), and later papers for heavier elements",
    "3-21g": "J. S. Binkley, J. A. Pople, W. J. Hehre, J. Am. Chem. Soc. 102, 939 (1980); M. S. Gordon et al., ibid. 104, 2797 (1982)",
    "6-31g": "R. Ditchfield, W. J. Hehre, J. A. Pople, J. Chem. Phys. 54, 724 (1971); W. J. Hehre et al., ibid. 56, 2257 (1972)",
    "6-31g_star": "P. C. Hariharan, J. A. Pople, Theor. Chim. Acta 28, 213 (1973), on 6-31G",
    "cc-pvdz": "T. H. Dunning Jr., J. Chem. Phys. 90, 1007 (1989); D. E. Woon, T. H. Dunning Jr., ibid. 98, 1358 (1993)",
}
ELEMENTS = "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar".split()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stem, name in NAMES.items():
        numbers = f"the Basis Set Exchange's older tables, as PySCF {pyscf.__version__} carries them"
        lines = [f"# {name}", f"# {SOURCES[stem]}", f"# numbers: {numbers}"]
        for element in ELEMENTS:
            for shell in gto.basis.load(name, element):
                lines += ["", f"{element} {'SPDFG'[shell[0]]}"]
                lines += [" ".join(repr(float(x)) for x in row) for row in shell[1:]]
        (folder / f"{stem}.basis").write_text("\n".join(lines) + "\n")


main(Path(sys.argv[1]))
