"""A thousand posts with personal data and with what only looks like it, each span labelled: all invented here, drawn by a seed.

Nothing in it is anybody's: numbers, addresses and names are random. Some are formed as real ones are (check digits, area codes), because
that is what is looked for. Every sentence belongs to one of two halves: while the recognisers were written, errors were looked at in the first half alone.
"""

import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import NamedTuple

B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
Rng = random.Random


class Post(NamedTuple):
    """A text; where in it is what (start, end, type); and whether its sentences are of the half that nobody looked at."""

    text: str
    spans: list[tuple[int, int, str]]
    held_out: bool


def word(rng: Rng, least: int = 2, most: int = 3) -> str:
    return "".join(
        rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") + rng.choice(["", "", "n", "r"]) for _ in range(rng.randint(least, most))
    )


def digits(rng: Rng, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def signs(rng: Rng, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def email(rng: Rng) -> str:
    name = rng.choice(
        [
            word(rng),
            f"{word(rng)}.{word(rng)}",
            f"{word(rng)}{rng.randint(1, 1999)}",
            f"{word(rng)}_{word(rng)}",
            f"{word(rng)}+{word(rng)}",
        ]
    )
    host = rng.choice([f"{word(rng)}mail", f"mail.{word(rng)}", f"{word(rng)}-{word(rng)}", f"cs.{word(rng)}"])
    made = f"{name}@{host}.{rng.choice(['com', 'net', 'org', 'de', 'co.uk', 'fr', 'io', 'edu', 'com.br', 'info'])}"
    return rng.choice([made, made, made, made.title().replace(".Com", ".com"), made.upper()])


def written_out(rng: Rng) -> str:
    name, host = word(rng), word(rng)
    return rng.choice(
        [
            f"{name} at {host}mail dot com",
            f"{name} [at] {host} [dot] net",
            f"{name}(at){host}.org",
            f"{name}.{word(rng)} (at) {host} (dot) de",
            f"{name} AT {host} DOT com",
        ]
    )


def american(rng: Rng) -> tuple[str, str, str]:
    area = rng.choice(["212", "303", "415", "512", "617", "702", "804", "919", "206", "312", "416", "604"])
    return area, f"{rng.randint(2, 9)}{rng.choice('23456789')}{rng.choice('23456789')}", digits(rng, 4)


def formatted_phone(rng: Rng) -> str:
    a, b, c = american(rng)
    return rng.choice([
        f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"1-{a}-{b}-{c}", f"+1-{a}-{b}-{c}", f"+1{a}{b}{c}",
        f"+44 7{rng.choice('45789')}{digits(rng, 2)} {digits(rng, 3)} {digits(rng, 3)}".replace("+44 7700 900", "+44 7710 900"),
        f"+49 15{rng.choice('127')}{rng.randint(1, 8)} {digits(rng, 7)}", f"+33 6 {' '.join(digits(rng, 2) for _ in range(4))}",
        f"+91 9{digits(rng, 4)} {digits(rng, 5)}", f"+61 4{rng.choice('0123')}{rng.randint(1, 8)} {digits(rng, 3)} {digits(rng, 3)}",
        f"+46 70 {digits(rng, 3)} {digits(rng, 2)} {digits(rng, 2)}", f"+55 11 9{rng.randint(6, 9)}{digits(rng, 3)}-{digits(rng, 4)}",
    ])  # fmt: skip


def any_phone(rng: Rng) -> str:
    """Also such as only what is said around them gives away."""
    a, b, c = american(rng)
    return rng.choice([
        formatted_phone(rng), f"{a}{b}{c}", f"{a} {b} {c}", f"{b}-{c}", f"{b} {c}", f"07{rng.choice('45789')}{digits(rng, 2)} {digits(rng, 6)}",
        f"0{rng.choice(['151', '160', '171'])} {digits(rng, 7)}", f"0{rng.randint(20, 99)} {digits(rng, 3)} {digits(rng, 2)} {digits(rng, 2)}", f"9{digits(rng, 9)}",
    ])  # fmt: skip


def ipv4(rng: Rng) -> str:
    return f"{rng.choice([5, 23, 31, 46, 62, 77, 81, 93, 104, 138, 151, 176, 188, 193, 209, 217])}.{rng.randint(10, 250)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def ipv6(rng: Rng) -> str:
    head = rng.choice(["2a01", "2a02", "2003", "2600", "2607", "2a00"])
    full = [head, *(signs(rng, "123456789abcdef", 4) for _ in range(7))]
    return rng.choice([":".join(full), f"{head}:{full[1]}:{full[2]}::{full[3]}", f"{head}:{full[1]}:{full[2]}:{full[3]}::1"])


def with_check(number: str) -> str:
    """Luhn's digit after it."""
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(reversed(number))]
    return number + str(-sum(each - 9 * (each > 9) for each in doubled) % 10)


def card(rng: Rng) -> str:
    length, prefix = rng.choice(
        [(16, "4"), (16, "4"), (16, "51"), (16, "54"), (15, "34"), (15, "37"), (16, "6011"), (16, "2230"), (14, "36")]
    )
    number = with_check(prefix + digits(rng, length - 1 - len(prefix)))
    if length == 16:
        return rng.choice(
            [number, " ".join(number[at : at + 4] for at in range(0, 16, 4)), "-".join(number[at : at + 4] for at in range(0, 16, 4))]
        )
    return rng.choice([number, f"{number[:4]} {number[4:10]} {number[10:]}"])


def iban(rng: Rng) -> str:
    country, body = rng.choice([("DE", digits(rng, 18)), ("FR", digits(rng, 23)), ("ES", digits(rng, 20)), ("NL", signs(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4) + digits(rng, 10)),
                                ("GB", signs(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4) + digits(rng, 14)), ("AT", digits(rng, 16))])  # fmt: skip
    as_number = int("".join(str(int(each, 36)) for each in f"{body}{country}00"))
    made = f"{country}{98 - as_number % 97:02}{body}"
    return rng.choice([made, " ".join(made[at : at + 4] for at in range(0, len(made), 4)), made.lower()])


def wallet(rng: Rng) -> str:
    payload = b"\0" + rng.randbytes(20)
    number = int.from_bytes(payload + sha256(sha256(payload).digest()).digest()[:4])
    made = ""
    while number:
        number, at = divmod(number, 58)
        made = B58[at] + made
    return rng.choice([f"1{made}", f"0x{signs(rng, HEX, 40)}"])


def token(rng: Rng) -> str:
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return rng.choice([
        f"AKIA{signs(rng, upper, 16)}", f"ghp_{signs(rng, ALNUM, 36)}", f"AIza{signs(rng, ALNUM, 35)}", f"xoxb-{digits(rng, 12)}-{digits(rng, 12)}-{signs(rng, ALNUM, 24)}",
        f"sk_live_{signs(rng, ALNUM, 24)}", f"sk-{signs(rng, ALNUM, 48)}", f"sk-ant-api03-{signs(rng, ALNUM, 60)}", f"hf_{signs(rng, ALNUM[:52], 34)}", f"glpat-{signs(rng, ALNUM, 20)}",
        f"npm_{signs(rng, ALNUM, 36)}", f"SG.{signs(rng, ALNUM, 22)}.{signs(rng, ALNUM, 43)}", f"{digits(rng, 9)}1:AA{signs(rng, ALNUM, 33)}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJ{signs(rng, ALNUM, 40)}.{signs(rng, ALNUM, 43)}", f"github_pat_{signs(rng, ALNUM, 82)}", f"pypi-{signs(rng, ALNUM, 60)}",
    ])  # fmt: skip


def secret(rng: Rng) -> str:
    return rng.choice([signs(rng, ALNUM, 32), signs(rng, HEX, 40), signs(rng, ALNUM + "+/", 40), signs(rng, ALNUM, 20)])


def key_block(rng: Rng) -> str:
    kind = rng.choice(["RSA ", "", "OPENSSH ", "EC "])
    return (
        f"-----BEGIN {kind}PRIVATE KEY-----\n"
        + "\n".join(signs(rng, ALNUM + "+/", 64) for _ in range(6))
        + f"\n-----END {kind}PRIVATE KEY-----"
    )


def place(rng: Rng) -> str:
    return f"{rng.uniform(-80, 80):.5f}, {rng.uniform(-170, 170):.5f}"


def degrees(rng: Rng) -> str:
    return f"{rng.randint(10, 70)}°{rng.randint(10, 59)}'{rng.randint(10, 59)}\"N {rng.randint(10, 99)}°{rng.randint(10, 59)}'{rng.randint(10, 59)}\"E"


def social(rng: Rng) -> str:
    return f"{rng.randint(100, 650)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def nick(rng: Rng) -> str:
    return rng.choice(
        [
            f"{word(rng)}_{word(rng)}",
            f"{word(rng).title()}{word(rng).title()}",
            f"{word(rng)}{rng.randint(1, 99)}",
            f"{word(rng)}-{word(rng)}",
        ]
    )


def plain_nick(rng: Rng) -> str:
    return nick(rng).replace("-", "_")


def name(rng: Rng) -> str:
    return rng.choice(
        ["Tarvo", "Milena", "Jorun", "Pavlina", "Oskar", "Bettina", "Ruslan", "Ingrid", "Marek", "Silvie", "Dorota", "Henrik"]
    )


VALUES: dict[str, tuple[str, Callable[[Rng], str]]] = {
    "email": ("EMAIL", email), "written": ("EMAIL", written_out), "phone": ("PHONE", formatted_phone), "said": ("PHONE", any_phone), "ip": ("IP", ipv4), "ip6": ("IP", ipv6),
    "card": ("CARD", card), "iban": ("IBAN", iban), "wallet": ("CRYPTO", wallet), "token": ("KEY", token), "secret": ("KEY", secret), "block": ("KEY", key_block),
    "place": ("GPS", place), "degrees": ("GPS", degrees), "social": ("SSN", social), "nick": ("USER", lambda rng: f"u/{nick(rng)}"), "handle": ("USER", lambda rng: f"@{plain_nick(rng)}"),
    "profile": ("PROFILE", lambda rng: rng.choice([f"https://twitter.com/{plain_nick(rng)}", f"https://www.facebook.com/{word(rng)}.{word(rng)}.{rng.randint(1, 99)}",
                f"instagram.com/{plain_nick(rng)}", f"https://www.linkedin.com/in/{word(rng)}-{word(rng)}-{signs(rng, HEX, 6)}", f"https://stackoverflow.com/users/{digits(rng, 6)}1/{word(rng)}"])),
    "name": ("NAME", name),
}  # fmt: skip

PLANTED = """
Feel free to mail me at {email} if you want the rest.
My address is {email}, I answer within a day.
Contact: {email}
Just write to {email}.
I got a reply from <{email}> after two weeks.
The maintainer is {email} (not me) and he is very helpful.
Send the logs to {email} and cc {email} please
[write me](mailto:{email}) and we can sort it out
email:{email}
you can reach my sister under {email}; she knows more
> From: {email}
PayPal is {email}!
I can be reached as {written}, remove the obvious.
mail me: {written}
Write to {written} for the full text.
My contact is {written}
Call me at {said} any time after six.
My number is {said}, text first.
cell: {said}
Their hotline told me to ring {said} instead.
Phone: {said}
whatsapp {said}
You can text {said} and somebody will answer
Tel. {said} (evenings)
His mobile is {said}.
Fax: {said}
Somebody listed the flat with {phone} on it.
The flyer only says {phone} and nothing else.
{phone} is the guy who fixed my roof
I keep getting spam from {phone}, what now?
Ask for the manager, {phone}.
The server is at {ip} and it does not answer.
ssh root@{ip} hangs for ever
Somebody from {ip} tries to log in every second.
my router says the WAN address is {ip}
Blocked {ip} in the firewall, still no luck
PING {ip}: 56 data bytes
[error] client {ip} denied by server configuration
http://{ip}:8080/admin is wide open
The node {ip6} is the only one left.
AAAA record points to {ip6}
it connects over {ip6} and then times out
My IPv6 is {ip6}, can you ping it?
My card {card} was charged twice.
card number: {card}
They want me to pay with {card}, is that safe?
I typed {card} by mistake and it went through
Visa {card}, expires next month
The statement shows {card}.
credit card {card} got declined
{card} is the one that was stolen
Please send the deposit to {iban}.
IBAN: {iban}
My account is {iban} if you want to chip in
Transfer it to {iban} by Friday, thanks
Donations go to {wallet}.
BTC/ETH: {wallet}
He asked me to send coins to {wallet} first
my wallet is {wallet}, tips welcome
I use the key {token} and get 403.
export TOKEN={token}
headers = {{"Authorization": "Bearer {token}"}}
Here is my config, it has {token} in it.
curl -H "X-Api-Key: {token}" does not work
git clone https://{token}@git.host/repo.git
api_key = "{secret}"
client_secret: {secret}
the password is {secret} by the way
AWS_SECRET_ACCESS_KEY={secret}
"auth_token": "{secret}",
I generated this:\n{block}
my deploy key\n\n{block}\n\nwhy is it refused
I live at {place} more or less.
GPS coordinates: {place}
The cabin is located at {place}
lat/lon {place} if you want to come
Meet me at {degrees} tomorrow.
The wreck lies at {degrees}.
My SSN is {social}.
they asked for my social security number, {social}, by phone
form says SSN: {social}
Thanks to {nick} for the idea.
As /{nick} said above, this is wrong.
paging {nick}
credit goes to {nick}, not me
{handle} could you post the code?
I agree with {handle} here.
follow me {handle}
ask {handle}, he wrote the thing
my page is {profile}
see {profile} for pictures
[profile]({profile})
He is {profile}, I think.
Hi {name}, thanks for the quick answer.
Thanks {name}!
Hello {name}, could you add the error message?
Hey {name}, nice write-up.
""".strip().split("\n")

LOOK_ALIKES = """
I upgraded from version {v4} to {w4} and it broke.
Chrome/{n3}.0.{n4}.{n2} Safari/537.36
It listens on 127.0.0.1:8080 only.
My router is 192.168.{n2}.1 and the printer 192.168.{n2}.17.
the pods get 10.{n2}.{n2}.{n2} addresses
Take 192.0.2.{n2} as an example, or 198.51.100.{n2}.
use 2001:db8::{n2} in the documentation
ping 8.8.8.8 works, ping 1.1.1.1 does not
bind to 0.0.0.0 and netmask 255.255.255.0
See section {n1}.{n1}.{n1}.{n1} of the manual.
package foo-{n1}.{n1}.{n1}.{n1}.tar.gz is missing
std::vector<int> a; Face::add(b::c);
At 12:30:45 the log says 2019-05-17 08:15:59.123.
The range 1999-2003 was better than 2010-2015.
ISBN 978-0-{n2}-{n6}-{n1} is the second edition.
isbn: 97801346{n5}
Order number {n10} has not shipped.
order #{n12} was cancelled
Ticket {n8} is still open.
tracking number 1Z{n3}AA1{n10}
FedEx tracking {n12} says delivered
Invoice {n4}-{n4}-{n4} is due.
IMEI {imei}
The serial number is {n16}.
2147483647 is the largest int, 4294967295 the largest unsigned.
The timestamp 1{n9} is in seconds, 1{n12} in milliseconds.
Population: 8,336,817 in 2019.
It costs $1,299.99 or €{n4}.00
Bug {n6}, see https://bugs.host/show_bug.cgi?id={n7}
https://twitter.com/hashtag/{n8} and https://x.com/search?q={n9}
https://host.invalid/a/{n16}/photos
My commit is {sha}.
git checkout {sha}
md5 {md5} and that is it
id 550e8400-e29b-41d4-a716-{n12}
sha512-{base64}==
"integrity": "sha512-{base64}"
#ff{n4} is a nice colour
git clone git@github.com:foo/bar.git
mail user@example.com or foo@bar.com, as in every manual
no-reply@forum-mail.com sent me this
ssh user@host and then sudo
admin@localhost does not exist
it starts @ 5pm sharp
x = a @ b in numpy
`@Override public String toString()`
```java\n@Autowired\nprivate Repo repo;\n```
@media (max-width: 600px) {{ }}
npm install @angular/core @types/node
Use @Component({{selector: 'x'}}) there.
@everyone please read the rules
call 555-01{n2} and 212-555-01{n2} only in films
call 1-800-{n3}-{n4} for support
The hotline is 1-888-{n3}-{n4}.
in Britain films use 020 7946 0{n3} and 07700 900{n3}
the test card is 4111 1111 1111 1111, or 4242424242424242
card reader model 4000-{n3}
My graphics card scores {n5} points.
AKIAIOSFODNN7EXAMPLE is in their documentation
api_key = "YOUR_API_KEY_GOES_HERE"
password: changeme123 is the default
token = get_token_from_vault(name)
api_key = os.environ["SERVICE_API_KEY"]
secret: xxxxxxxxxxxxxxxxxxxxxxxx
the password is required for that
the secret is consistency_over_time
sk-learn and hf_hub are packages
(3.14159, 2.71828) is not a place
The scores are 0.91342, 0.88213 and 0.90112.
weights: 12.34567, 45.67890
lat is short for latte here
45° and 90° are the angles
Turn it by 30° 15' to the left.
1 BTC is {n5} dollars
0x{n8} is a bad address
0xdeadbeef and 0x{md5}
123-45-6789 is what everybody writes
part number {n3}-{n2}-{n3}
r/AskReddit is that way
w/u/ is not a word
he/she and and/or
https://github.com/foo/bar/issues/{n4}
https://www.facebook.com/help/{n6}
https://twitter.com/home
Hi all, first post here.
Thanks everyone!
Hello World is the first program.
Hey guys, look at this.
Dear Reddit, what now?
arXiv:1706.0{n4} and doi:10.1000/{n6}
DE is Germany, GB{n2} is a bus line
GB29 NWBK is how it begins
model XPS 13 {n4}, RTX {n4} with {n2}GB
{n3} {n3} {n3} are three numbers
1 2 3 4 5 6 7 8 9 10 11 12
0.1 0.2 0.3 0.4 0.5
{n4} x {n4} pixels at {n2}.{n2} fps
M8 x 1.25 x {n2} bolts, 10.9 grade
pi = 3.14159265358979323846
{n2}/{n2}/2019 was a {n1} out of 10
zip 9{n4}-{n4}
5/4/3/2/1 go
page 123-127, 200-210
{n3}-{n3} was the score after {n2}.{n2} seconds
my score is 1,{n3},{n3}
error 0x80070{n3} on line {n4}:{n2}:{n2}
call f(1234567) ten times
text file with 1234567 lines
message id {n10} never arrived
contact id {n8} was deleted
my sim card has the ICCID 89{n16}
the call took {n7} microseconds
the number 7{n8} is prime
text {n8}.txt was not found
I called 3 times in 2019, 2020 and 2021
phone model SM-G{n3}, build {n8}
my phone has {n3} {n3} {n3} pixels
reached level 100 with {n7} points
answer is {n9}, not {n8}
""".strip().split("\n")

CHATTER = """
I have been at this for two days now.
Any help is appreciated.
It worked last week, I changed nothing.
Not sure if that is the right place to ask.
The second one is better in my opinion.
Edit: found it.
You need to restart it twice, as always.
That is what the manual says, anyway.
We moved house in spring and the cat still hates it.
Bake it for half an hour and let it cool.
Nobody at the office knows why.
There is a setting for that, but it is hidden.
""".strip().split("\n")


def filler(rng: Rng) -> dict[str, str]:
    """What look-alikes are filled with."""
    return {
        **{f"n{count}": str(rng.randint(1, 9)) + digits(rng, count - 1) for count in range(1, 17)},
        "v4": f"{rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}",
        "w4": f"{rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}",
        "imei": with_check("35" + digits(rng, 12)),
        "sha": signs(rng, HEX, 40),
        "md5": signs(rng, HEX, 32),
        "base64": signs(rng, ALNUM + "+/", 64),
    }


def sentence(rng: Rng, template: str) -> tuple[str, list[tuple[int, int, str]]]:
    """A planted sentence and its spans."""
    text, spans = "", []
    for at, part in enumerate(
        template.replace("\\n", "\n").replace("{{", "\1").replace("}}", "\2").replace("{", "\0").replace("}", "\0").split("\0")
    ):
        part = part.replace("\1", "{").replace("\2", "}")
        if at % 2:
            kind, make = VALUES[part]
            part = make(rng)
            spans.append((len(text), len(text) + len(part), kind))
        text += part
    return text, spans


def posts(seed: int = 7, count: int = 1000, planted: Sequence[str] = PLANTED, look_alikes: Sequence[str] = LOOK_ALIKES) -> list[Post]:
    """Make the posts: one in two holds personal data, and each something that looks like it."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        held_out = bool(number // 2 % 2)
        template = look_alikes[(number // 4 * 2 + held_out) % len(look_alikes)]
        parts = [(template.replace("\\n", "\n").format_map(filler(rng)), [])]
        if number % 2:
            parts.append(sentence(rng, planted[(number // 4 * 2 + held_out) % len(planted)]))
        parts += [(each, []) for each in rng.sample(CHATTER, rng.randint(0, 2))]
        rng.shuffle(parts)
        made.append(Post(*joined(parts, rng.choice(["\n", "\n\n"])), held_out))
    return made


def joined(parts: list[tuple[str, list[tuple[int, int, str]]]], between: str) -> tuple[str, list[tuple[int, int, str]]]:
    """One text of several, and the spans where they then are."""
    text, spans = "", []
    for part, of_part in parts:
        text += between if text else ""
        spans += [(start + len(text), end + len(text), kind) for start, end, kind in of_part]
        text += part
    return text, spans
