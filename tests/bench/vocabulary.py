"""Words from which the benchmark dumps are written: common English ones, commonest first, and clauses in five other languages."""

NOUNS = """time people way day thing water world work place question number house year life part problem idea point system
    company room car book school family money hand week month night program case home area line group name city story
    fact job word side kind head friend hour game line end member law door office health person art war party result change
    morning reason research girl moment air teacher force education food kitchen bike garden chain computer phone screen
    file function server database library script error message answer list table window button image page code test
    version update driver keyboard battery cable network router password account email folder printer camera light
    lamp wall floor roof pipe valve pump filter engine wheel tyre brake pedal saddle frame bolt screw nail hammer drill
    knife pan pot oven plate bowl cup spoon bread dough flour butter egg cheese onion garlic tomato potato carrot
    pepper salt sugar rice pasta soup sauce meat fish chicken apple lemon coffee tea milk bottle glass recipe dinner
    lunch breakfast market shop price bill receipt bank loan tax budget salary contract insurance landlord tenant
    neighbour street road bridge station train bus ticket airport flight hotel map trip border passport suitcase
    mountain river lake forest beach island desert field farm tree plant leaf root seed flower soil stone sand cloud
    rain snow storm wind summer winter spring autumn sun moon star planet dog cat horse bird cow sheep bee spider
    doctor nurse hospital medicine pill dose pain muscle knee shoulder ankle stomach skin tooth eye ear blood brain
    sleep dream diet exercise coach race team player ball goal match score season ring guitar piano song band concert
    film actor scene painting museum statue novel poem chapter author letter paper pencil notebook desk chair sofa
    bed blanket pillow shirt shoe jacket pocket button needle thread fabric colour shape size weight length angle
    circle square formula equation proof theory experiment sample method device sensor signal wave particle atom
    molecule crystal metal copper steel wood plastic rubber paint glue tape rope hook ladder box bag basket shelf
    drawer lock key alarm clock calendar meeting lecture student exam course degree essay language grammar accent
    country village capital king queen soldier battle treaty vote law judge court crime witness rumour secret habit
    rule mistake lesson advice warning promise risk chance choice goal plan step detail example pattern limit
    balance speed pressure temperature voltage current circuit switch socket plug charger speaker microphone
    headphone record tool toy puzzle card prize present holiday wedding birthday child baby parent mother father
    sister brother uncle cousin boss worker manager customer client driver pilot farmer baker writer artist""".split()

ADJECTIVES = """new good old great small large long high little different big early young important bad right sure real
    common hard strong whole free clear simple recent late single low open short wrong cheap fresh warm cold hot clean
    dry wet heavy light dark bright quiet loud soft sharp smooth rough thick thin deep wide narrow empty full broken
    loose tight stiff strange normal local public private modern ancient famous popular useful helpful careful safe
    dangerous easy difficult quick slow fast sudden regular daily weekly monthly annual official legal main major
    minor extra spare original natural artificial digital electric manual automatic expensive second final first last
    next previous similar typical average perfect poor rich happy sad angry tired busy lazy brave honest polite rude
    serious funny boring exciting beautiful ugly pretty nice lovely terrible awful excellent decent proper correct
    exact rare huge tiny tall round square flat straight red blue green yellow white black brown grey wooden plastic
    metal rusty dusty sticky muddy salty sour sweet bitter spicy raw frozen boiled fried organic healthy sick strict
    gentle calm wild shy proud jealous curious clever silly stubborn patient lucky lonely foreign domestic rural""".split()

# base form, and the past where it is not regular
VERBS = """use find:found try want need make:made take:took see:saw get:got keep:kept leave:left buy:bought sell:sold
    change move turn open close start stop check clean wash dry cook bake boil fry cut:cut fix repair replace install
    remove update test run:ran write:wrote read:read learn teach:taught understand:understood explain describe compare
    measure count weigh build:built break:broke lose:lost win:won bring:brought carry send:sent receive order pay:paid
    cancel book visit follow watch hear:heard feel:felt notice remember forget:forgot ignore avoid trust believe:believed
    like love hate prefer choose:chose pick drop push pull hold:held lift hang:hung tie cover fill empty pour mix
    stir heat cool freeze:froze store save delete copy print scan share download upload record play practise paint draw:drew
    design plan plant water feed:fed catch:caught train ride:rode park tighten loosen adjust sharpen grind:ground melt
    burn press fold wrap pack unpack label sort collect borrow lend:lent return accept refuse offer request report
    discuss mention question answer ask call help thank warn blame forgive:forgave invite join support protect damage
    hide:hid search examine inspect solve calculate estimate improve reduce increase double finish delay continue
    repeat review publish translate correct confirm deny prove support recommend suggest consider""".split()

OPENERS = """In my experience|To be honest|As far as I know|From what I have read|If I remember correctly|Last year|A while ago
    |On the other hand|For what it is worth|After a few weeks|In the end|At first|As others have said|Most of the time|Believe it or not
    |When I was younger|Before that|Until recently|These days|Once upon a time|Just to be clear|Strangely enough|In short|At work
    |Where I live|Unlike most people here|Back then|Sooner or later|Every now and then|For some reason""".split("|")

SUBJECTS = """I|we|you|they|he|she|people|most people|nobody|everyone|somebody|my friend|my wife|my brother|my neighbour|our teacher
    |the doctor|some of us|the others|both of them|the manufacturer|the seller|my boss|a colleague|the landlord|my parents|the kids
    |a stranger|one of my friends|the mechanic""".split("|")

MODALS = """should|could|would|might|will|can|must|had to|wanted to|did not|would not|tried to|forgot to|never managed to
    |decided to""".split("|")

ADVERBS = """really just never always often only also still finally quickly slowly carefully usually probably simply almost
    actually already again together twice immediately eventually gradually suddenly easily barely nearly mostly
    partly completely properly correctly accidentally deliberately quietly""".split()

PREPOSITIONS = "in|on|with|without|for|from|before|after|behind|under|near|next to|instead of|because of|along with|during|about".split("|")

SHORT = """Thanks!|Thank you so much|This.|Same here|I agree|Exactly this|No idea, sorry|Nice one|Good point|lol|Yes|No|Why not?|Congrats!
    |Came here to say this|Underrated comment|Can confirm|Happy cake day!|Made my day|Great answer|It depends|Not really|Well said|Me too
    |Following|Any update?|Did it work?|That worked, thanks!|Source?|Sounds good to me|Good luck!|You are welcome
    |Username checks out""".split("|")

# language: (openings, clauses); every opening goes with every clause
OTHER_LANGUAGES = {
    "de": (
        """Ich glaube, dass|Mein Bruder sagt, dass|Es ist schon lange bekannt, dass|Gestern habe ich gelesen, dass|Niemand wusste, dass
        |Ich bin mir sicher, dass|Man vergisst leicht, dass|Es überrascht mich nicht, dass""".split("|"),
        """das Wetter morgen besser wird.|der Zug wieder eine Stunde Verspätung hat.|die Rechnung noch nicht bezahlt worden ist.
        |man das Brot am besten in einem Tuch aufbewahrt.|die meisten Leute zu wenig Wasser trinken.|unser Nachbar jeden Morgen laufen geht.
        |der alte Rechner dafür nicht schnell genug ist.|die Tomaten in diesem Jahr früher reif werden.""".split("|"),
    ),
    "fr": (
        """Je pense que|Ma sœur dit que|On sait depuis longtemps que|J'ai lu hier que|Il est évident que|Je suis certain que
        |Tout le monde oublie que|Cela ne m'étonne pas que""".split("|"),
        """le train est encore en retard ce matin.|la plupart des gens boivent trop de café.|les tomates poussent mieux au soleil.
        |notre voisin répare lui-même son vélo.|la facture n'est pas encore payée.|cette vieille machine ne marche plus très bien.
        |le pain se garde mieux dans un torchon.|les enfants apprennent plus vite que nous.""".split("|"),
    ),
    "es": (
        """Creo que|Mi hermano dice que|Ya se sabe que|Ayer leí que|Es evidente que|Estoy seguro de que|Mucha gente olvida que
        |No me sorprende que""".split("|"),
        """el tren llega otra vez con retraso.|la mayoría de la gente bebe demasiado café.|los tomates crecen mejor al sol.
        |nuestro vecino arregla su propia bicicleta.|la factura todavía no está pagada.|esta máquina vieja ya no funciona bien.
        |el pan se guarda mejor en un paño limpio.|los niños aprenden más rápido que nosotros.""".split("|"),
    ),
    "pt": (
        """Acho que|O meu irmão diz que|Já se sabe que|Ontem eu li que|É evidente que|Tenho a certeza de que|Muita gente esquece que
        |Não me surpreende que""".split("|"),
        """o comboio chega outra vez atrasado.|a maioria das pessoas bebe café demais.|os tomates crescem melhor ao sol.
        |o nosso vizinho conserta a própria bicicleta.|a conta ainda não foi paga.|esta máquina velha já não funciona bem.
        |o pão fica melhor guardado num pano limpo.|as crianças aprendem mais depressa do que nós.""".split("|"),
    ),
    "ru": (
        """Я думаю, что|Мой брат говорит, что|Давно известно, что|Вчера я прочитал, что|Совершенно ясно, что|Я уверен, что
        |Многие забывают, что|Меня не удивляет, что""".split("|"),
        """поезд снова опаздывает на целый час.|большинство людей пьёт слишком много кофе.|помидоры лучше растут на солнце.
        |наш сосед сам чинит свой велосипед.|счёт до сих пор не оплачен.|эта старая машина уже плохо работает.
        |хлеб лучше хранить в чистом полотенце.|дети учатся гораздо быстрее нас.""".split("|"),
    ),
}  # fmt: skip
