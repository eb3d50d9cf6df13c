/** Where the conductor wants to know who asks, and the browser has shown no certificate that it knows. */
import { useEffect, useState } from 'preact/hooks';
import { keep, kept, ofPassword, ofToken } from '../credentials.ts';
import { Refused } from '../parts/said.tsx';

interface SignInProps {
  /** Why: what the conductor said. */
  readonly sentence: string;
  /** Credentials were typed in. */
  done(): void;
}

/** The page. */
export function SignIn({ sentence, done }: SignInProps) {
  // What was refused is not kept; who has sent nothing yet needs no reason.
  const [refused] = useState(() => (kept() === null ? '' : sentence));
  useEffect(() => keep(null), []);
  const [isToken, setToken] = useState(true);
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        keep(isToken ? ofToken(secret) : ofPassword(user, secret));
        setSecret('');
        done();
      }}
    >
      <h1 tabIndex={-1}>Sign in</h1>
      <Refused sentence={refused} />
      <fieldset>
        <legend>With</legend>
        <label class="choice">
          <input type="radio" name="with" checked={isToken} onChange={() => setToken(true)} />a token
        </label>
        <label class="choice">
          <input type="radio" name="with" checked={!isToken} onChange={() => setToken(false)} />a user name and password
        </label>
      </fieldset>
      {!isToken && (
        <label>
          User name
          <input
            autocomplete="username"
            required
            value={user}
            onInput={(event) => setUser(event.currentTarget.value)}
          />
        </label>
      )}
      <label>
        {isToken ? 'Token' : 'Password'}
        <input
          type="password"
          autocomplete={isToken ? 'off' : 'current-password'}
          required
          value={secret}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Sign in</button>
      <p>
        It is kept until this tab is closed, and sent to this conductor alone. A client certificate needs no signing in.
      </p>
    </form>
  );
}
