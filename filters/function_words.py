"""Small words that give a language away among English ones: what n-gram models miss in short or romanised mixed text.

A word that is also an English word, a name or a common abbreviation is in no other list (Spanish `sin`, `se`, `a`, Hindi `main`, `the`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ENGLISH = """a about after all also am an and any are as at be because been before but by can could did do does for from get got had
    has have her here him his how i if in into is it its just like make me more most my need no not now of on one only or other our out
    over she should so some than that the their them then there they thing think this time to up us want was we well were what when
    where which while who why will with would you your"""

OTHERS = {
    "es": """aqui asi como cosa cosas cuando del desde donde ella ellos eres esa ese eso esta estan estas este esto estoy fue gente hace
        hasta hay hoy las les los mas mejor mis mucho muy nada nos nunca otra otro pa para pero poco porque pues que quien quiero sabe
        siempre sobre somos soy su sus te tengo ti tiene todo todos tu tus una uno vamos vida voy""",
    "hi": """aap abhi accha acha agar apka apke apko apna apne apni aur baat bahut bhai bhi bhut bohot chahiye dekho diya gaya gayi gya
        hai hain hota hote hoti hua hue hui isko iska iske iski kab kabhi kaise kar karke karna karne karo karta karte kaun ki kisi kiya
        ko koi kr kuch kya kyu kyun lekin liye mai matlab mein mera meri mujhe nahi nahin nhi phir raha rahe rahi rha rhe sabhi sirf
        tera teri tha thi toh tum tumhara tumhare uska uske uski usko wala wale wali woh yaar yeh""",
    "tl": """ako ang bakit dito ganda hindi ikaw kami kasi kaya lang mga naman nang ng nga ni nya pag po rin sa sana siya sya tayo talaga
        yan yun yung""",
}
"""By the language they give away; Hindi and Tagalog as people write them in Latin letters."""


def english_share(prose: pa.Array, least: int) -> tuple[NDArray[np.float64], pa.Array]:
    """Of the small words of English and of one other language the share of English, (n,), and the name of the other.

    The other is the one with most such words; with fewer than `least` of them the share is 1 and the name null.
    """
    counts = np.stack([_counted(prose, words) for words in OTHERS.values()])
    most = counts.max(axis=0)
    enough = most >= least
    share = np.ones(len(prose))
    share[enough] = _share(_counted(prose.filter(pa.array(enough)), ENGLISH), most[enough])
    names = pa.array(list(OTHERS)).take(pa.array(counts.argmax(axis=0)))
    return share, pc.if_else(pa.array(enough), names, pa.scalar(None, pa.string()))


def _share(ours: NDArray[np.int32], others: NDArray[np.int32]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = ours / (ours + others)
    return share


def _counted(prose: pa.Array, words: str) -> NDArray[np.int32]:
    """How many of a text's words are among these, (n,)."""
    pattern = rf"(?i)\b(?:{'|'.join(words.split())})\b"
    counted: NDArray[np.int32] = pc.count_substring_regex(prose, pattern).to_numpy(zero_copy_only=False)
    return counted
