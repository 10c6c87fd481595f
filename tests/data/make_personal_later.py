"""Sentences for `tests.data.make_personal` by another hand, when the recognisers were done.

They were first tried with values written by hand (e-mail 19 of 22 found, IP 16 of 17, keys 19 of 20, phone, card and IBAN all; precision of phone 24 of
26, of card 8 of 9). What was wrong then was put right: so these are no held-out sentences any more.
"""

PLANTED = """
DM did not work so shoot me an email instead: {email} (I check it daily).
"From: Marcus <{email}>" is what the header said
wrote to {email} twice, nothing
reply-to={email},
If anyone near Leeds wants the amp, mail {email}
<a href="mailto:{email}">me</a>
git config --global user.email "{email}"
got a phishing mail from {email}
user={email};role=admin
you can reach the maintainer: {written}
e-mail is {written}
My landlord's number is {said} if you want to check
Give Dave a ring on {said} after six
text {said} for the address
my work phone is {said}
Call our desk: {said}
reach me on {said}
My dad's on {phone}, ask for Trevor
the scammer calls from {phone} every morning
{phone} is a spoofed number, don't pick up
cannot reach {ip} since the update
A record points to {ip} now
banned {ip} in fail2ban, and {ip6} too
minecraft server ip: {ip}:25565
"GET / HTTP/1.1" 200 from {ip}
X-Forwarded-For: {ip}, 10.1.1.1
addr {ip6} port 443
they charged {card} twice
card {card} exp 09/27
cc no {card}, exp 03/26
my mastercard {card} was cloned
transfer to {iban} please
IBAN: {iban}
account {iban} in Dublin
export OPENAI_API_KEY={token}
oops, pushed {token}
DB_PASSWORD={secret}
secret_key: '{secret}'
"client_secret": "{secret}"
donate btc: {wallet}
""".strip().split("\n")

LOOK_ALIKES = """
fatal: could not read from git@gitlab.com:group/proj.git
ssh root@192.168.1.{n2} and it just hangs
set user.email "you@example.com" first
the decorator is @functools.lru_cache(maxsize=None)
I met her at work dot dot dot then nothing
she looked at me. Com on!
df.loc[df['a']@b.T] is matrix multiplication
#!/usr/bin/perl @ARGV
tagged @everyone in the server
the price is 5 @ 2.50 each
released 2016-08-12, superseded 2019-03-01
my steam id is 7656119{n10}
I earned 1{n6} karma in 2020 2021 2022
run took 1583020800 to 1583107200 (epoch)
coordinates in px: {n3} {n3} {n4}
price went 1.299.000 to 1,199,000
UPC 0{n10} scanned fine
reached 12 {n3} {n3} views
ticket {n4}-{n4}-11 is closed
call fn({n4}, {n4}, {n4})
mobile CPU i7-10750H at 2600 5000 MHz
my phone has 6000 4500 and 3300 mAh options
model number 5551-{n4}-77
route 10.8.0.0/24 via 172.16.4.1
upgraded nginx 1.18.0.1 to 1.20.1.0
Driver version 27.21.14.{n4} crashes
at 12:34:56:78 timecode
mac 00:1a:2b:3c:4d:5e
the OID 1.3.6.1.4.1 tree
order 112-{n7}-{n7} arrived
tracking 9400 1118 {n4} {n4} {n4} 10
gift card code 6006 {n4} {n4} {n4} 453 was void
library card 2{n4} 0{n4} {n4}
API_KEY = "YOUR-API-KEY-HERE"
secret = os.environ["SECRET_KEY"]
the password reset token expired
const secretSauce = makeSauce(12, 'onions')
password must be at least 12 characters
part GB29 N {n4} fits my bike
tokenizer = BertTokenizerFast.from_pretrained
""".strip().split("\n")
